/*
 * local.c - see local.h: the files. local_process.c has the processes.
 */
#include "cluster/local.h"

#include "base/err.h"
#include "base/out.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_BYTES 32

static char *path_of(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) >= 0)
		return path;
	err_set(KV_ENOMEM, "out of memory");
	return NULL;
}

char *local_path(const struct local *l, const char *name)
{
	return path_of(l->dir, name);
}

/* Writes a new file beside the old one and puts it in its place. */
static int write_file(const char *dir, const char *name, const struct buf *text)
{
	char *path = path_of(dir, name), *tmp = path_of(dir, "new.tmp");
	struct out out;
	int fd, r = KV_ENOMEM;

	if (path == NULL || tmp == NULL)
		goto done;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = err_sys(errno, "cannot write '%s'", tmp);
		goto done;
	}
	out_init(&out, fd, tmp);
	r = out_put(&out, text->data, text->len);
	if (r == 0)
		r = out_close(&out);
	else
		(void)out_close(&out);
	if (r == 0 && rename(tmp, path) != 0)
		r = err_sys(errno, "cannot write '%s'", path);
done:
	free(path);
	free(tmp);
	return r;
}

static int write_members(const char *dir, const char *name,
			 const struct members *m)
{
	struct buf text;
	int r;

	buf_init(&text);
	for (unsigned i = 0; i < m->n; i++)
		buf_printf(&text, "%s=%s\n", m->list[i].name,
			   m->list[i].address);
	r = buf_failed(&text) ? err_set(KV_ENOMEM, "out of memory")
			      : write_file(dir, name, &text);
	buf_release(&text);
	return r;
}

static int write_secret(const char *dir)
{
	unsigned char bytes[SECRET_BYTES];
	struct buf text;
	int r;

	arc4random_buf(bytes, sizeof(bytes));
	buf_init(&text);
	for (size_t i = 0; i < sizeof(bytes); i++)
		buf_printf(&text, "%02x", bytes[i]);
	buf_append_char(&text, '\n');
	r = buf_failed(&text) ? err_set(KV_ENOMEM, "out of memory")
			      : write_file(dir, "secret", &text);
	buf_release(&text);
	return r;
}

static int make_dir(const char *dir)
{
	if (mkdir(dir, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return err_sys(errno, "cannot make '%s'", dir);
	if (rmdir(dir) == 0 && mkdir(dir, 0700) == 0)
		return 0; /* it was empty */
	return err_set(KV_EUSAGE,
		       "'%s' is there already and no cluster's: name another "
		       "directory with -d",
		       dir);
}

int local_create(const char *dir, unsigned nodes, unsigned port)
{
	struct members m = {0};
	struct buf text;
	int r;

	if (port + nodes - 1 > UINT16_MAX)
		return err_set(
			KV_EUSAGE,
			"%u nodes from port %u on need ports above 65535",
			nodes, port);
	buf_init(&text);
	for (unsigned i = 0; i < nodes; i++)
		buf_printf(&text, "%sn%u=127.0.0.1:%u", i != 0 ? "," : "",
			   i + 1, port + i);
	buf_append_char(&text, '\0');
	r = buf_failed(&text) ? err_set(KV_ENOMEM, "out of memory")
			      : members_parse(&m, text.data);
	buf_release(&text);
	if (r == 0)
		r = make_dir(dir);
	if (r == 0)
		r = write_secret(dir);
	if (r == 0)
		r = write_members(dir, "nodes", &m);
	/* Last, for it is what makes the directory a cluster's. */
	if (r == 0)
		r = write_members(dir, "cluster", &m);
	return r;
}

static int read_members(const struct local *l, const char *name,
			struct members *m)
{
	char *path = local_path(l, name);
	int r = path == NULL ? KV_ENOMEM : members_read(m, path);

	free(path);
	return r;
}

int local_open(struct local *l, const char *dir)
{
	char *path = path_of(dir, "cluster");
	bool there = path != NULL && access(path, F_OK) == 0;
	int r;

	*l = (struct local){.dir = dir};
	free(path);
	if (path == NULL)
		return KV_ENOMEM;
	if (!there)
		return err_set(KV_ENOTFOUND,
			       "there is no cluster in '%s': make one with "
			       "'kv-cluster start'",
			       dir);
	r = read_members(l, "cluster", &l->first);
	return r != 0 ? r : read_members(l, "nodes", &l->nodes);
}

int local_add(struct local *l, const char *name, const char *address)
{
	struct members more = l->nodes;
	struct member m = {.voter = true};
	const struct member *there;
	int r = member_check_name(name);

	if (r == 0)
		r = member_check_address(address);
	if (r != 0)
		return r;
	if (members_find_name(&l->first, name) != NULL)
		return err_set(KV_EUSAGE,
			       "'%s' was the name of a first member: choose "
			       "another",
			       name);
	there = members_find_name(&more, name);
	if (there != NULL && strcmp(there->address, address) != 0)
		return err_set(KV_EUSAGE,
			       "'%s' is there already, at %s: remove it first, "
			       "or choose another name",
			       name, there->address);
	if (there != NULL)
		return 0; /* an earlier try got that far */
	memcpy(m.name, name, strlen(name) + 1);
	memcpy(m.address, address, strlen(address) + 1);
	r = members_add(&more, &m);
	if (r == 0)
		r = write_members(l->dir, "nodes", &more);
	if (r == 0)
		l->nodes = more;
	return r;
}

int local_remove(struct local *l, const char *name)
{
	struct members less = {0};
	int r;

	for (unsigned i = 0; i < l->nodes.n; i++)
		if (strcmp(l->nodes.list[i].name, name) != 0)
			less.list[less.n++] = l->nodes.list[i];
	r = write_members(l->dir, "nodes", &less);
	if (r == 0)
		l->nodes = less;
	return r;
}

int local_find(const struct local *l, const char *name,
	       const struct member **node)
{
	struct buf names;
	int r;

	*node = members_find_name(&l->nodes, name);
	if (*node != NULL)
		return 0;
	buf_init(&names);
	for (unsigned i = 0; i < l->nodes.n; i++)
		buf_printf(&names, "%s%s", i != 0 ? ", " : "",
			   l->nodes.list[i].name);
	buf_append_char(&names, '\0');
	r = err_set(KV_EUSAGE, "there is no node '%s' in '%s'; there are: %s",
		    name, l->dir, buf_failed(&names) ? "others" : names.data);
	buf_release(&names);
	return r;
}
