/*
 * members.c - see members.h.
 *
 * An id holds a hash of the name in its upper 24 bits, of which the highest is
 * set so that no id is 0, and below them which bearer of the name it is.
 */
#include "base/members.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/input.h"
#include "base/parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define INCARNATION_BITS 40
#define INCARNATION_MASK (((uint64_t)1 << INCARNATION_BITS) - 1)
#define HIGHEST_BIT ((uint64_t)1 << 63)

/* Of a file of members, comments included. */
#define FILE_MAX ((size_t)64 << 10)

uint64_t member_id(const char *name, uint64_t incarnation)
{
	uint64_t hash = XXH3_64bits(name, strlen(name));

	return (hash & ~INCARNATION_MASK) | HIGHEST_BIT |
	       (incarnation & INCARNATION_MASK);
}

uint64_t member_incarnation(uint64_t id)
{
	return id & INCARNATION_MASK;
}

bool member_id_is_of(uint64_t id, const char *name)
{
	return (id & ~INCARNATION_MASK) == member_id(name, 0);
}

int member_check_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > MEMBER_NAME_MAX ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789._-")] != '\0')
		return err_set(KV_EUSAGE,
			       "'%.80s' is not a node's name: it needs 1 to %u "
			       "letters, digits, dots, dashes or underscores",
			       name, MEMBER_NAME_MAX);
	return 0;
}

static bool is_port(const char *text)
{
	uint64_t port;

	return parse_number("port", text, 1, 65535, &port) == 0;
}

static bool is_address(const char *address)
{
	const char *colon = strrchr(address, ':');
	size_t len = colon != NULL ? (size_t)(colon - address) : 0;

	if (len == 0 || strlen(address) > MEMBER_ADDRESS_MAX ||
	    !is_port(colon + 1))
		return false;
	if (address[0] == '[')
		return len > 2 && address[len - 1] == ']' &&
		       strspn(address + 1, "0123456789abcdefABCDEF:.%") ==
			       len - 2;
	return strcspn(address, " \t,=:[]#") == len;
}

int member_check_address(const char *address)
{
	if (!is_address(address))
		return err_set(KV_EUSAGE,
			       "'%.80s' is not a node's address; it needs "
			       "HOST:PORT or [IPV6]:PORT",
			       address);
	return 0;
}

const struct member *members_find(const struct members *m, uint64_t id)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].id == id)
			return &m->list[i];
	return NULL;
}

const struct member *members_find_name(const struct members *m,
				       const char *name)
{
	for (unsigned i = 0; i < m->n; i++)
		if (strcmp(m->list[i].name, name) == 0)
			return &m->list[i];
	return NULL;
}

int members_add(struct members *m, const struct member *member)
{
	int r = member_check_name(member->name);

	if (r == 0)
		r = member_check_address(member->address);
	if (r != 0)
		return r;
	for (unsigned i = 0; i < m->n; i++) {
		const struct member *other = &m->list[i];

		if (strcmp(other->name, member->name) == 0)
			return err_set(KV_EUSAGE, "two nodes are named '%s'",
				       member->name);
		if (strcmp(other->address, member->address) == 0)
			return err_set(KV_EUSAGE,
				       "'%s' and '%s' have the same address %s",
				       other->name, member->name,
				       member->address);
		if (member_id_is_of(other->id, member->name))
			return err_set(KV_EUSAGE,
				       "'%s' and '%s' look the same to a "
				       "cluster; give one another name",
				       other->name, member->name);
	}
	if (m->n == MEMBERS_MAX)
		return err_set(KV_ETOOBIG, "a cluster has at most %u nodes",
			       MEMBERS_MAX);
	m->list[m->n++] = *member;
	return 0;
}

void members_drop(struct members *m, uint64_t id)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (m->list[i].id != id)
			m->list[kept++] = m->list[i];
	m->n = kept;
}

/* "n1=127.0.0.1:65431" */
static int add_text(struct members *m, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	struct member member = {.voter = true};
	size_t name_len, address_len;
	int r;

	if (equals == NULL)
		return err_set(KV_EUSAGE, "'%.*s' is not NAME=HOST:PORT",
			       (int)(len < 80 ? len : 80), text);
	name_len = (size_t)(equals - text);
	address_len = len - name_len - 1;
	if (name_len > MEMBER_NAME_MAX || address_len > MEMBER_ADDRESS_MAX)
		return err_set(KV_EUSAGE, "'%.80s...' is too long", text);
	memcpy(member.name, text, name_len);
	memcpy(member.address, equals + 1, address_len);
	member.id = member_id(member.name, 0);
	r = members_add(m, &member);
	return r == KV_ETOOBIG ? err_set(KV_EUSAGE, "%s", err_text()) : r;
}

int members_parse(struct members *m, const char *text)
{
	const char *end;
	int r;

	*m = (struct members){0};
	for (;;) {
		end = text + strcspn(text, ",");
		r = add_text(m, text, (size_t)(end - text));
		if (r != 0 || *end == '\0')
			return r;
		text = end + 1;
	}
}

static size_t trim(const char **text, size_t len)
{
	while (len != 0 && strchr(" \t\r", (*text)[len - 1]) != NULL)
		len--;
	while (len != 0 && strchr(" \t", **text) != NULL) {
		(*text)++;
		len--;
	}
	return len;
}

static int parse_lines(struct members *m, const char *text, const char *path)
{
	unsigned number = 1;
	char why[ERR_TEXT_MAX];

	for (; *text != '\0'; number++) {
		const char *line = text, *end = text + strcspn(text, "\n");
		size_t len = trim(&line, strcspn(text, "#\n"));

		if (len != 0 && add_text(m, line, len) != 0) {
			snprintf(why, sizeof(why), "%s", err_text());
			return err_set(KV_EUSAGE, "'%s' line %u: %s", path,
				       number, why);
		}
		text = *end == '\n' ? end + 1 : end;
	}
	if (m->n == 0)
		return err_set(KV_EUSAGE, "'%s' names no nodes", path);
	return 0;
}

int members_read(struct members *m, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct buf text;
	int r;

	*m = (struct members){0};
	if (fd < 0)
		return err_sys(errno, "cannot read '%s'", path);
	buf_init(&text);
	r = input_read_all(fd, path, FILE_MAX, &text);
	close(fd);
	if (r == 0 && (text.len > FILE_MAX ||
		       (text.len != 0 && memchr(text.data, 0, text.len))))
		r = err_set(KV_EUSAGE, "'%s' is not a list of nodes", path);
	buf_append_char(&text, '\0');
	if (r == 0 && buf_failed(&text))
		r = err_set(KV_ENOMEM, "no memory for '%s'", path);
	if (r == 0)
		r = parse_lines(m, text.data, path);
	buf_release(&text);
	return r;
}

static int by_name(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return strcmp(left->name, right->name);
}

uint64_t members_cluster_id(const struct members *m)
{
	struct members sorted = *m;
	XXH64_hash_t hash = 0;

	qsort(sorted.list, sorted.n, sizeof(sorted.list[0]), by_name);
	for (unsigned i = 0; i < sorted.n; i++) {
		const struct member *member = &sorted.list[i];

		/* The ends of the texts count, so that no two lists read the
		 * same. */
		hash = XXH64(member->name, strlen(member->name) + 1, hash);
		hash = XXH64(member->address, strlen(member->address) + 1,
			     hash);
	}
	return hash != 0 ? hash : 1;
}

void members_encode(const struct members *m, struct buf *out)
{
	char head[17];

	buf_append_char(out, (char)m->n);
	for (unsigned i = 0; i < m->n; i++) {
		const struct member *member = &m->list[i];

		put_le64(head, member->id);
		put_le64(head + 8, member->birth);
		head[16] = (char)member->voter;
		buf_append(out, head, sizeof(head));
		buf_append_char(out, (char)strlen(member->name));
		buf_append_str(out, member->name);
		buf_append_char(out, (char)strlen(member->address));
		buf_append_str(out, member->address);
	}
}

/* A text of at most `max` bytes behind its length. */
static bool take_text(struct slice *bytes, char *text, size_t max)
{
	size_t len;

	if (bytes->len == 0)
		return false;
	len = (unsigned char)bytes->data[0];
	if (len > max || bytes->len - 1 < len)
		return false;
	memcpy(text, bytes->data + 1, len);
	text[len] = '\0';
	bytes->data += 1 + len;
	bytes->len -= 1 + len;
	return strlen(text) == len;
}

static bool take_member(struct slice *bytes, struct member *member)
{
	*member = (struct member){0};
	if (bytes->len < 17 || (unsigned char)bytes->data[16] > 1)
		return false;
	member->id = get_le64(bytes->data);
	member->birth = get_le64(bytes->data + 8);
	member->voter = bytes->data[16] == 1;
	bytes->data += 17;
	bytes->len -= 17;
	return take_text(bytes, member->name, MEMBER_NAME_MAX) &&
	       take_text(bytes, member->address, MEMBER_ADDRESS_MAX) &&
	       member_id_is_of(member->id, member->name);
}

int members_decode(struct members *m, struct slice bytes)
{
	struct member member;
	unsigned n;

	*m = (struct members){0};
	if (bytes.len == 0)
		return err_set(KV_EDATA, "a list of nodes is empty");
	n = (unsigned char)bytes.data[0];
	bytes.data++;
	bytes.len--;
	for (unsigned i = 0; i < n; i++)
		if (!take_member(&bytes, &member) ||
		    members_add(m, &member) != 0)
			return err_set(KV_EDATA, "a list of nodes is damaged");
	if (bytes.len != 0)
		return err_set(KV_EDATA, "a list of nodes is damaged");
	return 0;
}

void members_text(const struct members *m, struct buf *out)
{
	for (unsigned i = 0; i < m->n; i++)
		buf_printf(out, "%s%s=%s", i != 0 ? "," : "", m->list[i].name,
			   m->list[i].address);
}
