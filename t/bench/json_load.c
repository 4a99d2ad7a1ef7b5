/*
 * json_load.c - drives a server over its Unix socket in JSON lines, the way
 * redis-benchmark drives one in RESP: N connections in one thread, each with
 * up to P requests under way, random keys from a fixed space. Prints requests
 * a second, and nothing else; with -l, instead, the median, 99th and 99.9th
 * percentile and the maximum of the latencies, in microseconds (-P 1 only).
 *
 *	json_load -s SOCKET [-c 50] [-n 100000] [-P 1] [-r 1000000] [-d 100]
 *		  [-t set|get] [-l]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OUT_MAX 65536
#define IN_MAX 262144

struct connection {
	int fd;
	unsigned under_way; /* requests sent and not yet answered */
	uint64_t sent_ns;   /* the last one */
};

struct load {
	const char *socket;
	unsigned clients, pipeline, keys, value_size;
	uint64_t requests, sent, answered;
	bool set;
	uint64_t random;
	char *value;
	uint32_t *latencies; /* microseconds, if wanted */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "json_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t next_random(struct load *load)
{
	load->random ^= load->random << 13;
	load->random ^= load->random >> 7;
	load->random ^= load->random << 17;
	return load->random;
}

static int connect_to(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		die(path);
	return fd;
}

static size_t put_request(struct load *load, char *at, size_t room)
{
	unsigned key = (unsigned)(next_random(load) % load->keys);
	int n;

	if (load->set)
		n = snprintf(at, room,
			     "{\"op\":\"set\",\"key\":\"key:%012u\","
			     "\"value\":\"%s\"}\n",
			     key, load->value);
	else
		n = snprintf(at, room,
			     "{\"op\":\"get\",\"key\":\"key:%012u\"}\n", key);
	return (size_t)n;
}

/* Fills the connection's pipeline up with one write. */
static void send_more(struct load *load, struct connection *c)
{
	static char out[OUT_MAX];
	size_t len = 0;
	size_t one = load->value_size + 128;

	while (c->under_way < load->pipeline && load->sent < load->requests &&
	       len + one < sizeof(out)) {
		len += put_request(load, out + len, sizeof(out) - len);
		c->under_way++;
		load->sent++;
	}
	c->sent_ns = now_ns();
	for (size_t done = 0; done < len;) {
		ssize_t n = write(c->fd, out + done, len - done);

		if (n < 0)
			die("write");
		done += (size_t)n;
	}
}

static void check_line(const char *line, size_t len)
{
	if (len < 11 || memcmp(line, "{\"ok\":true", 10) != 0) {
		fprintf(stderr, "json_load: the server said: %.*s\n", (int)len,
			line);
		exit(1);
	}
}

/* A reply may be cut by the end of a read; only its first bytes are looked at,
 * at the start of each line that is in one piece. */
static void receive(struct load *load, struct connection *c)
{
	static char in[IN_MAX];
	ssize_t n = read(c->fd, in, sizeof(in));
	char *p = in, *end;

	if (n <= 0)
		die("read");
	end = in + n;
	while (p < end) {
		char *line = p;

		p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL)
			break;
		if (line[0] == '{' && (size_t)(p - line) > 10)
			check_line(line, (size_t)(p - line));
		p++;
		c->under_way--;
		if (load->latencies != NULL)
			load->latencies[load->answered] =
				(uint32_t)((now_ns() - c->sent_ns) / 1000);
		load->answered++;
	}
}

static void run(struct load *load)
{
	struct connection *all = calloc(load->clients, sizeof(*all));
	struct epoll_event events[64];
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (all == NULL || ep < 0)
		die("start");
	for (unsigned i = 0; i < load->clients; i++) {
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};

		all[i].fd = connect_to(load->socket);
		if (epoll_ctl(ep, EPOLL_CTL_ADD, all[i].fd, &e) != 0)
			die("epoll_ctl");
		send_more(load, &all[i]);
	}
	while (load->answered < load->requests) {
		int n = epoll_wait(ep, events, 64, 60000);

		if (n <= 0)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;

			receive(load, c);
			if (c->under_way == 0)
				send_more(load, c);
		}
	}
	free(all);
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void print_latencies(const struct load *load)
{
	const uint32_t *l = load->latencies;
	uint64_t n = load->answered;

	qsort(load->latencies, n, sizeof(*l), by_value);
	printf("%u %u %u %u\n", l[n / 2], l[n * 99 / 100], l[n * 999 / 1000],
	       l[n - 1]);
}

int main(int argc, char **argv)
{
	bool want_latencies = false;
	struct load load = {.clients = 50,
			    .pipeline = 1,
			    .keys = 1000000,
			    .value_size = 100,
			    .requests = 100000,
			    .set = true,
			    .random = 88172645463325252u};
	uint64_t start;
	int o;

	while ((o = getopt(argc, argv, "s:c:n:P:r:d:t:l")) != -1) {
		unsigned v = optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0;

		switch (o) {
		case 's':
			load.socket = optarg;
			break;
		case 'c':
			load.clients = v;
			break;
		case 'n':
			load.requests = v;
			break;
		case 'P':
			load.pipeline = v;
			break;
		case 'r':
			load.keys = v;
			break;
		case 'd':
			load.value_size = v;
			break;
		case 'l':
			want_latencies = true;
			break;
		case 't':
			load.set = strcmp(optarg, "set") == 0;
			break;
		default:
			return 2;
		}
	}
	load.value = malloc(load.value_size + 1);
	if (load.socket == NULL || load.value == NULL || load.clients == 0 ||
	    load.keys == 0 || load.value_size > OUT_MAX / 4)
		return 2;
	if (want_latencies) {
		load.latencies = calloc(load.requests + 1, sizeof(uint32_t));
		if (load.latencies == NULL || load.pipeline != 1)
			return 2;
	}
	memset(load.value, 'x', load.value_size);
	load.value[load.value_size] = '\0';
	start = now_ns();
	load.random ^= start;
	run(&load);
	if (want_latencies)
		print_latencies(&load);
	else
		printf("%.0f\n", (double)load.answered * 1e9 /
					 (double)(now_ns() - start));
	return 0;
}
