/*
 * primary_birth_test.c - who may vote, and whose votes count, where one of the
 * nodes lost its data at an awkward moment.
 */
#include "primary_cluster.h"

static bool is_voter_in_the_list_of(unsigned node, unsigned about)
{
	const struct member *m;
	char name[8];

	snprintf(name, sizeof(name), "n%u", about);
	m = members_find_name(primary_members(sim_primary(net, node)), name);
	return m != NULL && m->voter;
}

static bool the_leader_has_promoted_n4(struct sim_net *n, void *arg)
{
	(void)n;
	(void)arg;
	return sim_leader(net) != 0 &&
	       is_voter_in_the_list_of(sim_leader(net), 4);
}

static void cut_both_ways(unsigned a, unsigned b)
{
	sim_cut(net, a, b);
	sim_cut(net, b, a);
}

static void lose_disk(unsigned node)
{
	sim_crash(net, node, SIM_KILL);
	sim_wipe(net, node);
}

static void repair(unsigned node)
{
	struct sim_op *op = sim_order(net, leader(), CLUSTER_REPAIR, node);

	if (outcome(op) != 0)
		printf("# repair of n%u: %s\n", node, op->message);
	CHECK_INT(op->code, 0);
}

/* Only the leader has the entry that makes n4 a voter, and three of four are
 * needed from then on, of whom one is gone. So n4 must help to elect the one
 * who can tell it. */
static void a_voter_that_does_not_know_it_yet_helps_to_elect(void)
{
	unsigned lead, lost;

	begin_with((struct sim_options){.members = 3, .nodes = 4});
	set(leader(), "a", "1");
	lead = leader();
	lost = lead % 3 + 1;
	CHECK_INT(sim_start(net, 4), 0);
	(void)sim_order(net, lead, CLUSTER_ADD, 4);
	CHECK(sim_run_until(net, the_leader_has_promoted_n4, NULL, 5000));
	CHECK_INT(sim_leader(net), lead);
	sim_partition(net, 1u << (lead - 1));
	sim_run_ms(net, 20); /* it is on the leader's disk */
	sim_crash(net, lead, SIM_POWER);
	lose_disk(lost);
	CHECK(!is_voter_in_the_list_of(4, 4));
	sim_heal(net);
	CHECK_INT(sim_start(net, lead), 0);
	CHECK_INT(sim_start(net, lost), 0);
	CHECK(is_voter_in_the_list_of(lead, 4));
	CHECK_INT(leader(), lead);
	CHECK(has(4, "a", "1"));
	repair(lost);
	set(4, "b", "1");
	check_same(4);
	finish();
}

/* Two of three are there, and one of them is not who he was. */
static void a_node_that_lost_its_data_makes_no_majority(void)
{
	struct sim_op *op;
	unsigned lead, lost, third;

	begin(3);
	set(leader(), "a", "1");
	lead = leader();
	lost = lead % 3 + 1;
	third = lost % 3 + 1;
	sim_crash(net, third, SIM_KILL);
	lose_disk(lost);
	CHECK_INT(sim_start(net, lost), 0);
	op = begin_set(lead, "b", "1");
	CHECK(outcome(op) != 0);
	CHECK_INT(sim_start(net, third), 0);
	set(leader(), "c", "1");
	finish();
}

static bool is_waiting(unsigned node)
{
	return strcmp(info(node, "state"), "waiting for the other members") ==
	       0;
}

/* A cluster that is about to begin: n1 and n3 have met all, n2 was started
 * again and has met n1 only since. Nobody has voted. */
static void begin_without(unsigned late, unsigned other)
{
	unsigned first = 6 - late - other;

	begin(3);
	for (unsigned i = 1; i <= 3; i++)
		lose_disk(i);
	CHECK_INT(sim_start(net, late), 0);
	CHECK_INT(sim_start(net, other), 0);
	sim_run_ms(net, 500);
	CHECK(is_waiting(late) && is_waiting(other));
	sim_crash(net, late, SIM_KILL);
	cut_both_ways(late, other);
	CHECK_INT(sim_start(net, late), 0);
	CHECK_INT(sim_start(net, first), 0);
	for (unsigned i = 0; i < 1000 && is_waiting(other); i++)
		sim_run_ms(net, 1);
	CHECK(!is_waiting(first) && !is_waiting(other));
	CHECK(is_waiting(late));
	sim_partition(net, 1u << (late - 1));
	set(leader(), "a", "1");
}

/* It is a member all the same, and has promised nobody anything. */
static void a_member_that_never_saw_the_cluster_begin_helps_to_elect(void)
{
	unsigned lead;

	begin_without(3, 2);
	lead = leader();
	sim_crash(net, lead, SIM_POWER);
	lose_disk(3 - lead);
	CHECK_INT(sim_start(net, lead), 0);
	CHECK(is_waiting(3));
	sim_heal(net);
	CHECK_INT(leader(), lead);
	CHECK(has(3, "a", "1"));
	CHECK_INT(sim_start(net, 3 - lead), 0);
	repair(3 - lead);
	check_same(3);
	finish();
}

/* n1 and n3 lead the cluster, and then n3 is another: for n2, which has seen
 * nothing of all that, it is the only n3 that there ever was. */
static void who_came_too_late_elects_nobody_without_a_log(void)
{
	begin_without(2, 3);
	sim_crash(net, 1, SIM_KILL);
	lose_disk(3);
	CHECK_INT(sim_start(net, 3), 0);
	sim_heal(net);
	sim_run_ms(net, 3000);
	CHECK(!is_waiting(2)); /* it believes that the cluster begins */
	CHECK(is_waiting(3));
	CHECK_INT(sim_leader(net), 0);
	CHECK_INT(sim_start(net, 1), 0);
	CHECK_INT(leader(), 1);
	CHECK(has(2, "a", "1"));
	repair(3);
	check_same(3);
	finish();
}

static bool n4_was_addressed(struct sim_net *n, void *arg)
{
	(void)n;
	(void)arg;
	return strcmp(info(4, "state"), "waiting to be added") != 0;
}

/* A leader that was cut off adds n4 and is gone: nobody else knows. The next
 * one's log is shorter where it adds n4. */
static void a_node_that_was_added_in_vain_can_be_added(void)
{
	struct sim_op *op;
	unsigned lead, next;

	begin_with((struct sim_options){.members = 3, .nodes = 4});
	set(leader(), "a", "1");
	lead = leader();
	CHECK_INT(sim_start(net, 4), 0);
	sim_run_ms(net, 100);
	sim_partition(net, 1u << (lead - 1) | 1u << 3);
	for (unsigned i = 0; i < 20; i++)
		(void)begin_set(lead, "a", "2");
	(void)sim_order(net, lead, CLUSTER_ADD, 4);
	CHECK(sim_run_until(net, n4_was_addressed, NULL, 1000));
	sim_crash(net, lead, SIM_POWER);
	sim_heal(net);
	next = other_leader(lead);
	op = sim_order(net, next, CLUSTER_ADD, 4);
	CHECK_INT(outcome(op), 0);
	CHECK_INT(sim_start(net, lead), 0);
	CHECK(has(4, "a", "1"));
	check_same(4);
	finish();
}

TEST_MAIN(T(a_voter_that_does_not_know_it_yet_helps_to_elect),
	  T(a_node_that_lost_its_data_makes_no_majority),
	  T(a_member_that_never_saw_the_cluster_begin_helps_to_elect),
	  T(who_came_too_late_elects_nobody_without_a_log),
	  T(a_node_that_was_added_in_vain_can_be_added))
