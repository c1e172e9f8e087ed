/* What both sources share. The shapes are those of the kernel's bonding driver, cut down. */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long size_t;
typedef _Bool bool;

#define NULL ((void *)0)

struct list_head {
	struct list_head *next, *prev;
};

struct sk_buff;
struct net_device;
struct packet_type;
struct slave;

typedef int (*recv_fn)(struct sk_buff *, struct net_device *, struct packet_type *);

struct packet_type {
	u16 type;
	bool ignore_outgoing;
	struct net_device *dev;
	recv_fn func;
	struct list_head list;
};

enum link_state { LINK_UP, LINK_DOWN = 4, LINK_BACK = -1 };

struct rlb_client_info {
	u32 ip_src;
	u32 ip_dst;
	u8 mac_src[6];
	u8 mac_dst[6];
	u32 used_next;
	u8 assigned;
	u8 ntt;
	struct slave *slave;
	u16 vlan_id;
};

struct tlb_up_slave {
	u32 count;
	struct slave *arr[];
};

struct alb_bond_info {
	struct list_head unused;
	u32 rx_hashtbl_used_head;
	struct rlb_client_info *rx_hashtbl;
	u8 rlb_enabled : 1;
	u8 primary_is_promisc : 1;
	u32 rebalance : 20;
	struct tlb_up_slave *slaves;
};

struct bonding {
	struct net_device *dev;
	struct slave *curr;
	int (*probe)(const struct sk_buff *, struct bonding *);
	enum link_state state;
	union {
		struct {
			u32 low;
			u32 high;
		};
		u8 raw[8];
		size_t word;
	};
	u32 grid[3][4];
	struct alb_bond_info alb_info;
	struct packet_type pt;
	volatile int *const flags;
};

struct net_device_ops {
	int (*ndo_open)(struct net_device *);
	int (*ndo_stop)(struct net_device *);
	int (*ndo_features[2])(struct net_device *, int);
};

struct net_device {
	char name[16];
	const struct net_device_ops *ops;
	void *priv;
};

/* Elsewhere: in the kernel, or in the other source. */
void *kmalloc(size_t size, int flags);
void dev_add_pack(struct packet_type *pt);
int printk(const char *format, ...);
void slave_touch(struct slave *slave);
u32 slave_weight(struct slave *slave, u32 by);
int bond_open(struct net_device *dev);
int bond_alb_initialize(struct bonding *bond, int rlb_enabled);

extern u32 rlb_debug[16];
