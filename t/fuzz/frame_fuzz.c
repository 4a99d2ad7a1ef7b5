/*
 * frame_fuzz.c - frames of the core as another node may send them: a message,
 * the entries behind it, and in those the lists of members.
 *
 * What is taken for a message must hold together: as many entries as it says,
 * each within the frame, no more changes of members than there is room for.
 */
#include "replica/primary_impl.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool condition)
{
	if (!condition)
		abort();
}

static void check_entry(const struct store_log_entry *entry, struct slice frame)
{
	struct slice value;

	demand(entry->items.data >= frame.data &&
	       entry->items.len <=
		       (size_t)(frame.data + frame.len - entry->items.data));
	if (store_log_entry_get(entry, slice_str(PRIMARY_MEMBERS_KEY), &value))
		demand(value.len <= entry->items.len);
}

static void check_members(const struct members *list)
{
	struct members again;
	struct buf bytes = {0};

	demand(list->n <= MEMBERS_MAX);
	members_encode(list, &bytes);
	demand(members_decode(&again, buf_slice(&bytes)) == 0 &&
	       again.n == list->n);
	buf_release(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct primary p; /* only what the parser keeps in it is used */
	struct slice frame = slice_of(data, size);

	if (size == 0 || !primary_parse_frame(&p, frame))
		return 0;
	demand(p.nchanges <= RAFT_CHANGES_MAX);
	if (p.incoming.kind != RAFT_APPEND) {
		demand(p.nentries == 0);
		return 0;
	}
	demand(p.incoming.count == p.nentries &&
	       p.incoming.nchanges == p.nchanges);
	for (size_t i = 0; i < p.nentries; i++)
		check_entry(&p.entries[i], frame);
	for (unsigned i = 0; i < p.nchanges; i++)
		check_members(&p.changes[i].list);
	return 0;
}
