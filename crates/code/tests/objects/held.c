/* Ways to take and give back locks, as the kernel's code does; what each function holds where it calls wait_here()
 * stands beside it. The functions that take locks are here too, so that calls of them lead somewhere. */

typedef _Bool bool;
#define NOIPA __attribute__((noipa))
#define BODY __asm__ volatile("" ::: "memory")

struct mutex { long owner; long more[3]; };
struct rw_semaphore { long count; long more[4]; };
struct spinlock { int value; };
struct rcu_sync { int state; int count; long wait[5]; };
struct percpu_rw_semaphore { struct rcu_sync rss; unsigned int *read_count; long writer; long more[3]; };

struct thing {
	struct thing *parent;
	int flags;
	struct mutex lock;
	struct rw_semaphore sem;
	struct spinlock spin;
	struct percpu_rw_semaphore *frozen;
};

struct mutex global_lock;
struct rw_semaphore global_sem;
struct percpu_rw_semaphore global_percpu;
int number;

NOIPA void wait_here(void) { BODY; }
NOIPA int ask(int value) { BODY; return value; }
NOIPA struct thing *find(int value) { BODY; return (struct thing *)(long)value; }
NOIPA void mutex_lock(struct mutex *lock) { BODY; }
NOIPA int mutex_lock_interruptible(struct mutex *lock) { BODY; return number; }
NOIPA int mutex_trylock(struct mutex *lock) { BODY; return number; }
NOIPA void mutex_unlock(struct mutex *lock) { BODY; }
NOIPA void down_read(struct rw_semaphore *sem) { BODY; }
NOIPA void up_read(struct rw_semaphore *sem) { BODY; }
NOIPA void down_write(struct rw_semaphore *sem) { BODY; }
NOIPA void up_write(struct rw_semaphore *sem) { BODY; }
NOIPA void downgrade_write(struct rw_semaphore *sem) { BODY; }
NOIPA void _raw_spin_lock(struct spinlock *lock) { BODY; }
NOIPA void rcuwait_wake_up(long *wait) { BODY; }
/* The count lies in the memory of the CPU. */
#define this_cpu_inc(at) __asm__ volatile("incl %%gs:%0" : "+m"(*(at)))
#define this_cpu_dec(at) __asm__ volatile("decl %%gs:%0" : "+m"(*(at)))
NOIPA bool __percpu_down_read(struct percpu_rw_semaphore *sem, bool try)
{
	this_cpu_inc(sem->read_count);
	BODY;
	return !try || number;
}
NOIPA void __switch_to_asm(void) { BODY; }

/* Nothing: it is given back before. */
void none(struct thing *t)
{
	mutex_lock(&t->lock);
	number++;
	mutex_unlock(&t->lock);
	wait_here();
	number++;
}

/* t->lock for certain. */
void one(struct thing *t)
{
	mutex_lock(&t->lock);
	wait_here();
	mutex_unlock(&t->lock);
	number++;
}

/* global_sem with others. */
void global_reader(void)
{
	down_read(&global_sem);
	wait_here();
	up_read(&global_sem);
	number++;
}

/* t->sem with others: it was had alone first. */
void downgraded(struct thing *t)
{
	down_write(&t->sem);
	downgrade_write(&t->sem);
	wait_here();
	up_read(&t->sem);
	number++;
}

/* t->lock may be held. */
void may(struct thing *t, int value)
{
	int i;

	if (ask(value))
		mutex_lock(&t->lock);
	for (i = 0; i < 3; i++)
		ask(i);
	wait_here();
	number++;
}

/* Nothing at the wait: each way that took it has given it back. */
void by_condition(struct thing *t, int value)
{
	value = ask(value);
	if (value)
		mutex_lock(&t->lock);
	number++;
	ask(1);
	if (value)
		mutex_unlock(&t->lock);
	wait_here();
	number++;
}

/* global_lock, and nothing where it failed. */
int interruptible(void)
{
	if (mutex_lock_interruptible(&global_lock))
		return -4;
	wait_here();
	mutex_unlock(&global_lock);
	return 0;
}

/* Nothing: the lock was not to be had. */
int tries(struct thing *t)
{
	if (!mutex_trylock(&t->lock)) {
		wait_here();
		return 0;
	}
	number++;
	mutex_unlock(&t->lock);
	return 1;
}

/* Wrappers. */
NOIPA void lock_parent(struct thing *t)
{
	mutex_lock(&t->parent->lock);
	number++;
}
NOIPA void unlock_parent(struct thing *t)
{
	mutex_unlock(&t->parent->lock);
}
NOIPA int lock_or_fail(struct thing *t)
{
	if (t->flags & 1)
		return -22;
	if (mutex_lock_interruptible(&t->lock))
		return -4;
	number++;
	return 0;
}
NOIPA struct thing *find_locked(int value)
{
	struct thing *t = find(value);

	if (t)
		down_write(&t->sem);
	return t;
}
NOIPA void neutral(struct thing *t)
{
	mutex_lock(&t->lock);
	number++;
	mutex_unlock(&t->lock);
}

/* t->parent->lock. */
void by_wrapper(struct thing *t)
{
	lock_parent(t);
	neutral(t);
	wait_here();
	unlock_parent(t);
	number++;
}

/* Nothing. */
void by_wrapper_done(struct thing *t)
{
	lock_parent(t);
	unlock_parent(t);
	wait_here();
	number++;
}

/* t->lock. */
int by_failing_wrapper(struct thing *t)
{
	int error = lock_or_fail(t);

	if (error < 0)
		return error;
	wait_here();
	mutex_unlock(&t->lock);
	return 0;
}

/* The found thing's sem, alone. */
int by_result(int value)
{
	struct thing *t = find_locked(value);

	if (!t)
		return -2;
	wait_here();
	up_write(&t->sem);
	return t->flags;
}

/* Nothing at the first wait: each thing is given back before the next. */
void loop(struct thing *t)
{
	while (t) {
		mutex_lock(&t->lock);
		number += t->flags;
		mutex_unlock(&t->lock);
		wait_here();
		t = t->parent;
	}
}

/* t->lock is not held where it waits: the caller had it. */
NOIPA void gives_back_for_a_while(struct thing *t)
{
	mutex_unlock(&t->lock);
	wait_here();
	mutex_lock(&t->lock);
	number++;
}
/* The caller of it holds t->lock but for then. */
void caller_of_that(struct thing *t)
{
	mutex_lock(&t->lock);
	gives_back_for_a_while(t);
	wait_here();
	mutex_unlock(&t->lock);
	number++;
}

/* Nothing at the wait: a store gave it back. */
void spins(struct thing *t)
{
	_raw_spin_lock(&t->spin);
	number++;
	__asm__ volatile("movb $0, %0" : "+m"(*(char *)&t->spin));
	wait_here();
	number++;
}

/* The spinlock goes to the next thread. */
void switches(struct thing *t)
{
	_raw_spin_lock(&t->spin);
	__switch_to_asm();
	number++;
}

/* global_percpu, and t->frozen, with others. */
void percpu(struct thing *t)
{
	struct percpu_rw_semaphore *sem = t->frozen;

	if (!sem->rss.state)
		this_cpu_inc(sem->read_count);
	else
		__percpu_down_read(sem, 0);
	wait_here();
	if (!sem->rss.state) {
		this_cpu_dec(sem->read_count);
	} else {
		this_cpu_dec(sem->read_count);
		rcuwait_wake_up(&sem->writer);
	}
	ask(2);
	number++;
}

/* Nothing at all: the ways through `goto out` have given back both. */
int jumps_out(struct thing *t, int value)
{
	int error = -1;

	mutex_lock(&t->lock);
	if (ask(value))
		goto out;
	down_read(&t->sem);
	error = ask(value + 1);
	if (error)
		goto out_sem;
	number++;
out_sem:
	up_read(&t->sem);
out:
	mutex_unlock(&t->lock);
	wait_here();
	return error;
}
