/*
 * reply_queue_test.c - the order of replies, whatever the order in which they
 * come about.
 */
#include "kv.h"
#include "serve/reply_queue.h"
#include "test.h"

#include <stdlib.h>

struct fixture {
	struct reply_pool pool;
	struct reply_queue queue;
	struct buf out;
};

static void set_up(struct fixture *f)
{
	reply_pool_init(&f->pool);
	reply_queue_init(&f->queue, &f->pool, f);
	buf_init(&f->out);
}

static void tear_down(struct fixture *f)
{
	reply_queue_release(&f->queue);
	reply_pool_release(&f->pool);
	buf_release(&f->out);
}

static struct reply_slot *push(struct fixture *f, const char *tag)
{
	struct reply_slot *slot = reply_queue_push(&f->queue, slice_str(tag));

	CHECK(slot != NULL);
	return slot;
}

static void write_error(struct buf *out, int code, const char *message,
			struct slice tag)
{
	buf_printf(out, "error %d %s %.*s;", code, message, (int)tag.len,
		   tag.data);
}

static void hold(struct reply_slot *slot, uint64_t after, const char *text)
{
	struct buf b = {0};

	buf_append_str(&b, text);
	CHECK(reply_slot_hold(slot, &(struct reply_gate){.after = after}, &b));
	buf_release(&b);
}

/* What leaves when the store is durable up to there. */
static size_t take(struct fixture *f, uint64_t durable)
{
	struct reply_gate reached = {.after = durable, .confirm = UINT64_MAX};

	return reply_queue_take(&f->queue, &reached, &f->out);
}

static void fail_after(struct fixture *f, uint64_t durable)
{
	struct reply_gate reached = {.after = durable, .confirm = UINT64_MAX};
	struct reply_failure failure = {KV_EREADONLY, "why"};

	reply_queue_fail(&f->queue, &reached, &failure, &failure, write_error);
}

static void check_out(struct fixture *f, const char *expected)
{
	buf_append_char(&f->out, '\0');
	CHECK_STR(f->out.data, expected);
	buf_clear(&f->out);
}

static void replies_leave_in_the_order_of_the_requests(void)
{
	struct fixture f;
	struct reply_slot *a, *b, *c;

	set_up(&f);
	a = push(&f, "");
	b = push(&f, "");
	c = push(&f, "");
	hold(c, 0, "c");
	hold(b, 0, "b");
	CHECK_INT(take(&f, 0), 0);
	hold(a, 0, "a");
	CHECK_INT(take(&f, 0), 3);
	check_out(&f, "abc");
	tear_down(&f);
}

static void a_reply_waits_until_its_record_is_durable(void)
{
	struct fixture f;

	set_up(&f);
	hold(push(&f, ""), 7, "set");
	CHECK_INT(take(&f, 6), 0);
	CHECK_INT(take(&f, 7), 1);
	check_out(&f, "set");
	tear_down(&f);
}

static void a_durable_reply_does_not_overtake_one_that_waits(void)
{
	struct fixture f;

	set_up(&f);
	hold(push(&f, ""), 1, "1");
	hold(push(&f, ""), 9, "9");
	hold(push(&f, ""), 0, "0");
	CHECK_INT(take(&f, 5), 1);
	check_out(&f, "1");
	CHECK_INT(take(&f, 9), 2);
	check_out(&f, "90");
	tear_down(&f);
}

static void only_the_slot_in_front_is_first(void)
{
	struct fixture f;
	struct reply_slot *a, *b;

	set_up(&f);
	a = push(&f, "");
	b = push(&f, "");
	CHECK(reply_slot_is_first(a));
	CHECK(!reply_slot_is_first(b));
	reply_slot_drop(a);
	CHECK(reply_slot_is_first(b));
	CHECK_INT(f.queue.count, 1);
	reply_slot_drop(b);
	tear_down(&f);
}

static void a_failed_sync_turns_what_waits_for_it_into_errors(void)
{
	struct fixture f;

	set_up(&f);
	hold(push(&f, "i1"), 3, "durable;");
	hold(push(&f, "i2"), 4, "lost");
	hold(push(&f, "i3"), 0, "read;");
	CHECK_INT(take(&f, 2), 0);
	fail_after(&f, 3);
	CHECK_INT(take(&f, 3), 3);
	check_out(&f, "durable;error -13 why i2;read;");
	CHECK_INT(f.queue.bytes, 0);
	tear_down(&f);
}

static void a_failed_sync_leaves_replies_to_come_alone(void)
{
	struct fixture f;
	struct reply_slot *slot;

	set_up(&f);
	slot = push(&f, "i1");
	fail_after(&f, 0);
	hold(slot, 0, "late");
	CHECK_INT(take(&f, 0), 1);
	check_out(&f, "late");
	tear_down(&f);
}

static void a_slot_outlives_its_connection(void)
{
	struct fixture f;
	struct reply_slot *late;

	set_up(&f);
	hold(push(&f, ""), 1, "held");
	late = push(&f, "id");
	CHECK(reply_slot_owner(late) == &f);
	reply_queue_release(&f.queue);
	CHECK(reply_slot_owner(late) == NULL);
	CHECK_INT(f.queue.count, 0);
	CHECK_INT(f.queue.bytes, 0);
	reply_slot_drop(late);
	tear_down(&f);
}

static void a_large_reply_keeps_its_bytes_and_is_counted(void)
{
	enum { SIZE = 100000 };
	struct fixture f;
	struct buf big = {0};

	set_up(&f);
	memset(buf_reserve(&big, SIZE), 'x', SIZE);
	buf_advance(&big, SIZE);
	CHECK(reply_slot_hold(push(&f, ""), &(struct reply_gate){0}, &big));
	hold(push(&f, ""), 0, "end");
	CHECK_INT(f.queue.bytes, SIZE + 3);
	CHECK_INT(take(&f, 0), 2);
	CHECK_INT(f.out.len, SIZE + 3);
	CHECK(f.out.data[SIZE - 1] == 'x');
	CHECK(memcmp(f.out.data + SIZE, "end", 3) == 0);
	CHECK_INT(f.queue.bytes, 0);
	buf_release(&big);
	tear_down(&f);
}

static void a_read_waits_until_it_is_confirmed(void)
{
	struct reply_gate gate = {.after = 4, .confirm = 2};
	struct reply_gate reached = {.after = 4, .confirm = 1};
	struct buf b = {0};
	struct fixture f;

	set_up(&f);
	buf_append_str(&b, "read");
	CHECK(reply_slot_hold(push(&f, ""), &gate, &b));
	CHECK_INT(reply_queue_take(&f.queue, &reached, &f.out), 0);
	reached.confirm = 2;
	CHECK_INT(reply_queue_take(&f.queue, &reached, &f.out), 1);
	check_out(&f, "read");
	buf_release(&b);
	tear_down(&f);
}

static void who_wrote_is_told_another_error_than_who_read(void)
{
	struct reply_gate wrote = {.after = 9, .wrote = true};
	struct reply_gate read = {.confirm = 9};
	struct reply_gate reached = {0};
	struct reply_failure unknown = {KV_EUNKNOWN, "perhaps"};
	struct reply_failure unavailable = {KV_EUNAVAILABLE, "no"};
	struct buf b = {0};
	struct fixture f;

	set_up(&f);
	CHECK(reply_slot_hold(push(&f, "i1"), &wrote, &b));
	CHECK(reply_slot_hold(push(&f, "i2"), &read, &b));
	reply_queue_fail(&f.queue, &reached, &unknown, &unavailable,
			 write_error);
	CHECK_INT(reply_queue_take(&f.queue, &reached, &f.out), 2);
	check_out(&f, "error -15 perhaps i1;error -10 no i2;");
	tear_down(&f);
}

static void an_unordered_queue_lets_the_complete_pass(void)
{
	struct fixture f;
	struct reply_slot *slow;

	set_up(&f);
	f.queue.unordered = true;
	slow = push(&f, "");
	hold(push(&f, ""), 1, "quick");
	CHECK_INT(take(&f, 0), 0);
	CHECK_INT(take(&f, 1), 1);
	check_out(&f, "quick");
	CHECK_INT(f.queue.count, 1);
	hold(slow, 0, "slow");
	CHECK_INT(take(&f, 1), 1);
	check_out(&f, "slow");
	tear_down(&f);
}

static void random_completions_keep_order_and_count(void)
{
	enum { N = 1000 };
	struct reply_slot *slots[N];
	struct fixture f;
	char text[16];
	int order[N];

	set_up(&f);
	srandom(1);
	for (int i = 0; i < N; i++) {
		slots[i] = push(&f, "");
		order[i] = i;
	}
	for (int i = N - 1; i > 0; i--) {
		int j = (int)(random() % (i + 1)), t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "%04d", order[i]);
		hold(slots[order[i]], (uint64_t)(random() % 10), text);
		take(&f, (uint64_t)(i * 10 / N));
	}
	take(&f, 10);
	CHECK_INT(f.out.len, N * 4);
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "%04d", i);
		CHECK(memcmp(f.out.data + (size_t)i * 4, text, 4) == 0);
	}
	tear_down(&f);
}

TEST_MAIN(T(replies_leave_in_the_order_of_the_requests),
	  T(a_reply_waits_until_its_record_is_durable),
	  T(a_durable_reply_does_not_overtake_one_that_waits),
	  T(only_the_slot_in_front_is_first),
	  T(a_failed_sync_turns_what_waits_for_it_into_errors),
	  T(a_failed_sync_leaves_replies_to_come_alone),
	  T(a_slot_outlives_its_connection),
	  T(a_large_reply_keeps_its_bytes_and_is_counted),
	  T(a_read_waits_until_it_is_confirmed),
	  T(who_wrote_is_told_another_error_than_who_read),
	  T(an_unordered_queue_lets_the_complete_pass),
	  T(random_completions_keep_order_and_count))
