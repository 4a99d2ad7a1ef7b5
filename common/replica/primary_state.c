/*
 * primary_state.c - see primary_state.h.
 *
 *	kv-raft 1
 *	cluster 5f1c3b6ae0d94e27
 *	node 8a0c8e0000000000
 *	birth 2e9d0a7c44b1f655
 *	term 7
 *	vote 8a0c8e0000000000 2e9d0a7c44b1f655
 *	flags began stored
 *	member n1=127.0.0.1:65431 2e9d0a7c44b1f655
 *	sum 04c9e1b22f6d1a90
 *
 * Reading parses the text, writes what it understood anew and compares: what is
 * not exactly as we write it is damaged.
 */
#include "replica/primary_state.h"

#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define STATE_VERSION 1
/* More than the text of the longest list takes. */
#define STATE_MAX 8192u
#define LINE_MAX_CHARS 512

static void write_text(const struct primary_state *state, struct buf *out)
{
	buf_printf(out, "kv-raft %d\n", STATE_VERSION);
	buf_printf(out, "cluster %016llx\n",
		   (unsigned long long)state->cluster_id);
	buf_printf(out, "node %016llx\n", (unsigned long long)state->id);
	buf_printf(out, "birth %016llx\n", (unsigned long long)state->birth);
	buf_printf(out, "term %llu\n", (unsigned long long)state->term);
	buf_printf(out, "vote %016llx", (unsigned long long)state->vote);
	if (state->vote_birth != 0)
		buf_printf(out, " %016llx",
			   (unsigned long long)state->vote_birth);
	buf_append_char(out, '\n');
	buf_printf(out, "flags%s%s%s%s\n", state->began ? " began" : "",
		   state->stored ? " stored" : "", state->lost ? " lost" : "",
		   state->emptying ? " emptying" : "");
	for (unsigned i = 0; i < state->first.n; i++) {
		const struct member *m = &state->first.list[i];

		buf_printf(out, "member %s=%s %016llx\n", m->name, m->address,
			   (unsigned long long)m->birth);
	}
	buf_printf(out, "sum %016llx\n",
		   (unsigned long long)XXH64(out->data, out->len, 0));
}

static bool parse_member(struct primary_state *state, const char *line)
{
	struct member member = {.voter = true};
	unsigned long long birth;

	if (sscanf(line, "member %63[^=]=%255s %16llx", member.name,
		   member.address, &birth) != 3)
		return false;
	member.id = member_id(member.name, 0);
	member.birth = birth;
	return members_add(&state->first, &member) == 0;
}

static void parse_line(struct primary_state *state, const char *line)
{
	unsigned long long value, birth = 0;

	if (sscanf(line, "cluster %16llx", &value) == 1)
		state->cluster_id = value;
	else if (sscanf(line, "node %16llx", &value) == 1)
		state->id = value;
	else if (sscanf(line, "birth %16llx", &value) == 1)
		state->birth = value;
	else if (sscanf(line, "term %20llu", &value) == 1)
		state->term = value;
	else if (sscanf(line, "vote %16llx %16llx", &value, &birth) >= 1) {
		state->vote = value;
		state->vote_birth = birth;
	} else if (strncmp(line, "flags", 5) == 0) {
		state->began = strstr(line, " began") != NULL;
		state->stored = strstr(line, " stored") != NULL;
		state->lost = strstr(line, " lost") != NULL;
		state->emptying = strstr(line, " emptying") != NULL;
	} else
		(void)parse_member(state, line); /* or something not ours */
}

static bool parse_text(struct primary_state *state, struct slice text)
{
	char line[LINE_MAX_CHARS];
	struct buf again;
	size_t at = 0;
	bool same;

	*state = (struct primary_state){0};
	while (at < text.len) {
		const char *end = memchr(text.data + at, '\n', text.len - at);
		size_t len = end != NULL ? (size_t)(end - text.data) - at
					 : text.len - at;

		if (len >= sizeof(line))
			return false;
		memcpy(line, text.data + at, len);
		line[len] = '\0';
		parse_line(state, line);
		at += len + 1;
	}
	buf_init(&again);
	write_text(state, &again);
	same = !buf_failed(&again) && slice_eq(buf_slice(&again), text);
	buf_release(&again);
	return same;
}

static int read_text(struct fs *fs, const char *path, char *text, size_t *len)
{
	struct file *f;
	ssize_t n;
	int r = fs_open(fs, path, FS_READ, &f);

	if (r == -ENOENT)
		return KV_ENOTFOUND;
	if (r != 0)
		return err_sys(-r, "cannot read '%s'", path);
	n = file_pread(f, text, STATE_MAX, 0);
	file_close(f);
	if (n < 0)
		return err_sys((int)-n, "cannot read '%s'", path);
	*len = (size_t)n;
	return 0;
}

int primary_state_load(struct primary_state *state, struct fs *fs,
		       const char *dir)
{
	char text[STATE_MAX];
	char *path;
	size_t len = 0;
	int r;

	if (asprintf(&path, "%s/kv.raft", dir) < 0)
		return err_set(KV_ENOMEM, "no memory to open '%s'", dir);
	r = read_text(fs, path, text, &len);
	if (r == 0 && !parse_text(state, slice_of(text, len)))
		r = err_set(KV_EDAMAGED,
			    "'%s' is damaged or of another version; without it "
			    "the node could break promises that it made: empty "
			    "its directory and repair the node",
			    path);
	free(path);
	return r;
}

int primary_state_save(const struct primary_state *state, struct fs *fs,
		       const char *dir)
{
	struct buf text;
	char *path;
	int r;

	if (asprintf(&path, "%s/kv.raft", dir) < 0)
		return err_set(KV_ENOMEM, "no memory to write in '%s'", dir);
	buf_init(&text);
	write_text(state, &text);
	if (buf_failed(&text)) {
		r = err_set(KV_ENOMEM, "no memory to write '%s'", path);
	} else {
		r = fs_replace(fs, dir, path, text.data, text.len);
		if (r != 0)
			r = err_sys(-r, "cannot write '%s'", path);
	}
	buf_release(&text);
	free(path);
	return r;
}
