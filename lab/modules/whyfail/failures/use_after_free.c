// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * A connection is used through a session which was freed by the logout. With slub_debug=P the freed
 * memory holds 0x6b, so the pointer read from it is not canonical and using it is a protection fault.
 */
#include <linux/slab.h>

#include "whyfail.h"

struct connection {
	int state;
};

struct session {
	long id;
	struct connection *connection;
	char name[40];
};

static STEP int connection_state(struct connection *connection)
{
	return READ_ONCE(connection->state);
}

static STEP void session_logout(struct session *session)
{
	kfree(session->connection);
	kfree(session);
}

static STEP int session_poll(struct session *session)
{
	return connection_state(READ_ONCE(session->connection)) + 1;
}

WHYFAIL(use_after_free)
{
	struct session *session = kzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return -ENOMEM;
	session->connection = kzalloc(sizeof(*session->connection), GFP_KERNEL);
	if (!session->connection)
		return -ENOMEM;
	session_logout(session);
	return session_poll(session) < 0;
}
