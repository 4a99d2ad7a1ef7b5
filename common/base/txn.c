/*
 * txn.c - see txn.h.
 */
#include "base/txn.h"

#include "base/err.h"

int txn_check(struct slice key, struct slice value)
{
	if (key.len == 0)
		return err_set(KV_EUSAGE, "a key has at least one byte");
	if (key.len > KV_KEY_MAX)
		return err_set(KV_ETOOBIG,
			       "the key has %zu bytes; at most %u are allowed",
			       key.len, KV_KEY_MAX);
	if (value.len > KV_VALUE_MAX)
		return err_set(KV_ETOOBIG,
			       "the value has %zu bytes; at most %u are "
			       "allowed",
			       value.len, KV_VALUE_MAX);
	return key_is_own(key) ? key_refuse_own() : 0;
}

int key_refuse_own(void)
{
	return err_set(
		KV_EUSAGE,
		"keys that begin with \\xff\\xffkv: are the store's own");
}
