/*
 * json_test.c - requests in JSON lines that are understood, and what they cost.
 */
#include "json_parse.h"

#include <pthread.h>

static void every_op_is_understood(void)
{
	CHECK_OK("{\"op\":\"ping\"}");
	CHECK_INT(req.op, OP_PING);
	CHECK_OK(" { \"op\" : \"info\" }\t\r");
	CHECK_INT(req.op, OP_INFO);
	CHECK_OK("{\"op\":\"get\",\"key\":\"foo\"}");
	CHECK_INT(req.op, OP_GET);
	CHECK_INT(req.nkeys, 1);
	CHECK_SLICE(req.keys[0], "foo");
	CHECK_OK("{\"op\":\"count\",\"prefix64\":\"AP8=\",\"to\":\"z\"}");
	CHECK_INT(req.op, OP_COUNT);
	CHECK_SLICE(req.range.prefix, "\0\xff");
	CHECK_SLICE(req.range.to, "z");
	CHECK_INT(req.range.from.len, 0);
}

static void a_set_carries_value_ttl_and_conditions(void)
{
	CHECK_OK("{\"op\":\"set\",\"key\":\"a\",\"value\":\"1\",\"ttl\":2.5,"
		 "\"if\":\"absent\",\"debug_unreliable\":true}");
	CHECK_INT(req.op, OP_SET);
	CHECK_INT(req.nchanges, 1);
	CHECK_INT(req.changes[0].kind, CHANGE_SET);
	CHECK_SLICE(req.changes[0].key, "a");
	CHECK_SLICE(req.changes[0].value, "1");
	CHECK_INT(req.changes[0].expires_ms, NOW + 2500);
	CHECK_INT(req.condition, KV_IF_ABSENT);
	CHECK(req.debug_unreliable);
	CHECK_OK("{\"op\":\"set\",\"key\":\"a\",\"value\":\"\","
		 "\"if_version\":\"18446744073709551615\"}");
	CHECK_INT(req.condition, KV_IF_VERSION);
	CHECK(req.if_version == UINT64_MAX);
	CHECK_INT(req.changes[0].value.len, 0);
	CHECK_INT(req.changes[0].expires_ms, 0);
	CHECK(!req.debug_unreliable);
	CHECK_OK("{\"op\":\"set\",\"key\":\"a\",\"value\":\"\","
		 "\"if\":\"present\",\"ttl\":1e-9}");
	CHECK_INT(req.condition, KV_IF_PRESENT);
	CHECK_INT(req.changes[0].expires_ms, NOW + 1);
}

static void a_write_names_its_client_and_number(void)
{
	CHECK_OK("{\"op\":\"set\",\"key\":\"a\",\"value\":\"1\",\"client\":"
		 "\"000102030405060708090A0b0c0d0e0f\",\"number\":"
		 "9007199254740992}");
	CHECK_SLICE(req.client, "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17");
	CHECK(req.number == 9007199254740992);
	CHECK_OK("{\"op\":\"get\",\"key\":\"a\",\"stale\":true}");
	CHECK(req.stale_ok);
	CHECK_INT(req.client.len, 0);
}

static void keys_of_an_mget_are_texts_or_objects(void)
{
	CHECK_OK("{\"op\":\"mget\",\"keys\":[\"a\" , {\"key64\":\"AAE=\"},"
		 "{\"key\":\"c,]\"},\"]\"]}");
	CHECK_INT(req.op, OP_MGET);
	CHECK_INT(req.nkeys, 4);
	CHECK_SLICE(req.keys[0], "a");
	CHECK_SLICE(req.keys[1], "\0\1");
	CHECK_SLICE(req.keys[2], "c,]");
	CHECK_SLICE(req.keys[3], "]");
	CHECK_OK("{\"op\":\"mget\",\"keys\":[ ]}");
	CHECK_INT(req.nkeys, 0);
}

static void a_delete_takes_a_key_or_keys_or_a_prefix(void)
{
	CHECK_OK("{\"op\":\"delete\",\"key\":\"a\",\"if_version\":\"7\"}");
	CHECK_INT(req.op, OP_DELETE);
	CHECK_INT(req.nchanges, 1);
	CHECK_INT(req.changes[0].kind, CHANGE_DELETE);
	CHECK_INT(req.if_version, 7);
	CHECK(!req.has_range);
	CHECK_OK("{\"op\":\"delete\",\"keys\":[\"a\",{\"key64\":\"/w==\"}]}");
	CHECK_INT(req.nchanges, 2);
	CHECK_SLICE(req.changes[0].key, "a");
	CHECK_SLICE(req.changes[1].key, "\xff");
	CHECK_INT(req.changes[1].kind, CHANGE_DELETE);
	CHECK_OK("{\"op\":\"delete\",\"prefix\":\"p\"}");
	CHECK(req.has_range);
	CHECK_SLICE(req.range.prefix, "p");
	CHECK_OK("{\"op\":\"delete\",\"prefix\":\"\"}");
	CHECK(req.has_range);
	CHECK_INT(req.range.prefix.len, 0);
}

static void bulk_items_are_pairs_or_objects(void)
{
	CHECK_OK("{\"items\":[[\"a\",\"1\"],{\"key\":\"b\",\"value\":\"2\","
		 "\"ttl\":60},{\"value64\":\"AA==\",\"key64\":\"/w==\"}],"
		 "\"op\":\"bulk_set\",\"debug_unreliable\":false}");
	CHECK_INT(req.op, OP_BULK_SET);
	CHECK_INT(req.nchanges, 3);
	CHECK_SLICE(req.changes[0].key, "a");
	CHECK_SLICE(req.changes[0].value, "1");
	CHECK_INT(req.changes[0].expires_ms, 0);
	CHECK_SLICE(req.changes[1].key, "b");
	CHECK_SLICE(req.changes[1].value, "2");
	CHECK_INT(req.changes[1].expires_ms, NOW + 60000);
	CHECK_SLICE(req.changes[2].key, "\xff");
	CHECK_SLICE(req.changes[2].value, "\0");
	CHECK_INT(req.changes[2].kind, CHANGE_SET);
	CHECK_OK("{\"op\":\"bulk_set\",\"items\":[]}");
	CHECK_INT(req.nchanges, 0);
}

static void a_scan_carries_range_page_and_cursor(void)
{
	CHECK_OK("{\"op\":\"scan\",\"prefix\":\"p\",\"from\":\"a\","
		 "\"to64\":\"eg==\",\"limit\":9007199254740992,"
		 "\"reverse\":true,\"keys_only\":true,\"cursor\":\"k6162\"}");
	CHECK_SLICE(req.range.prefix, "p");
	CHECK_SLICE(req.range.from, "a");
	CHECK_SLICE(req.range.to, "z");
	CHECK(req.range.limit == 1ull << 53);
	CHECK(req.range.reverse && req.range.keys_only);
	CHECK_SLICE(req.cursor, "k6162");
	CHECK_OK("{\"op\":\"scan\"}");
	CHECK_INT(req.range.limit, 0);
	CHECK(!req.range.reverse && !req.range.keys_only);
	CHECK_INT(req.cursor.len, 0);
}

static void escapes_and_utf8_become_the_bytes_they_stand_for(void)
{
	CHECK_OK("{\"op\":\"get\",\"key\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001"
		 "\\u00e9\\u20AC\\ud83d\\ude00\"}");
	CHECK_SLICE(req.keys[0], "\"\\/\b\f\n\r\t\1\xc3\xa9\xe2\x82\xac"
				 "\xf0\x9f\x98\x80");
	CHECK_OK("{\"op\":\"get\",\"key\":\"z\xc3\xbcrich \xe6\x97\xa5\x7f\"}");
	CHECK_SLICE(req.keys[0], "z\xc3\xbcrich \xe6\x97\xa5\x7f");
}

static void an_escaped_backslash_before_u0000_is_legal_text(void)
{
	CHECK_OK("{\"op\":\"get\",\"key\":\"\\\\u0000\"}");
	CHECK_SLICE(req.keys[0], "\\u0000");
	CHECK_OK("{\"op\":\"get\",\"key\":\"\\\\\\\\u0000\"}");
	CHECK_SLICE(req.keys[0], "\\\\u0000");
	CHECK_INT(parse("{\"op\":\"get\",\"key\":\"\\\\\\u0000\"}"), KV_EDATA);
}

static void the_id_is_handed_back_as_it_was_written(void)
{
	CHECK_OK("{\"op\":\"ping\",\"id\":\"a\\u0041\\\"\"}");
	CHECK_SLICE(id, "\"a\\u0041\\\"\"");
	CHECK_OK("{\"id\": -1.50E+3 ,\"op\":\"ping\"}");
	CHECK_SLICE(id, "-1.50E+3");
	CHECK_OK("{\"op\":\"ping\"}");
	CHECK_INT(id.len, 0);
}

static void the_id_survives_an_error_behind_it(void)
{
	CHECK_INT(parse("{\"id\":7,\"op\":\"pong\"}"), KV_EDATA);
	CHECK_SLICE(id, "7");
	CHECK_INT(parse("{\"op\":\"pong\",\"id\":8}"), KV_EDATA);
	CHECK_SLICE(id, "8");
	CHECK_INT(parse("{\"id\":\"x\",\"op\":"), KV_EDATA);
	CHECK_SLICE(id, "\"x\"");
	CHECK_INT(parse("{\"op\",\"id\":9}"), KV_EDATA);
	CHECK_INT(id.len, 0);
	CHECK_INT(parse("{\"items\":[{\"id\":9}],\"op\":\"x\"}"), KV_EDATA);
	CHECK_INT(id.len, 0);
}

/* Resident anonymous memory of this process, in KiB. */
static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtol(line + 8, NULL, 10);
	fclose(f);
	CHECK(kib >= 0);
	return kib;
}

static void a_huge_bulk_costs_little_more_than_its_line_and_is_given_back(void)
{
	static const char unit[] =
		",[\"key:0123456789ab\",\"0123456789012345678901234567890123456"
		"78901234567890123456789012345678901234567890123456789012345678"
		"9\"]";
	const size_t n = 300000;
	char *line = repeated("{\"op\":\"bulk_set\",\"items\":[[\"a\",\"1\"]",
			      unit, n, "]}");
	struct slice s = slice_str(line);
	struct json_arena *a = json_arena_new();
	long before = resident_kib(), during, after;
	int code = json_request_parse(a, s, NOW, &req, &id);

	during = resident_kib() - before;
	CHECK_INT(code, 0);
	CHECK_INT(req.nchanges, n + 1);
	CHECK_SLICE(req.changes[n].key, "key:0123456789ab");
	CHECK(during < (long)(s.len / 1024) * 2);
	CHECK_INT(json_request_parse(a, slice_str("{\"op\":\"ping\"}"), NOW,
				     &req, &id),
		  0);
	after = resident_kib() - before;
#ifdef __SANITIZE_ADDRESS__
	after = 0; /* what is free stays in quarantine */
#endif
	CHECK(after < 4096);
	json_arena_free(a);
	free(line);
}

static void a_record_is_a_key_a_value_and_perhaps_a_ttl(void)
{
	struct json_arena *a = json_arena_new();
	struct change c;

	CHECK_INT(json_record_parse(a,
				    slice_str("{\"key\":\"a\",\"value64\":"
					      "\"AA==\",\"ttl\":1.5}"),
				    NOW, &c),
		  0);
	CHECK_SLICE(c.key, "a");
	CHECK_SLICE(c.value, "\0");
	CHECK_INT(c.expires_ms, NOW + 1500);
	CHECK_INT(c.kind, CHANGE_SET);
	CHECK_INT(json_record_parse(a, slice_str("{\"key\":\"a\"}"), NOW, &c),
		  KV_EDATA);
	CHECK_STR(err_text(), "'value' is missing");
	CHECK_INT(json_record_parse(a,
				    slice_str("{\"key\":\"a\",\"value\":\"\","
					      "\"op\":\"set\"}"),
				    NOW, &c),
		  KV_EDATA);
	CHECK_STR(err_text(), "'op' does not belong to a record");
	CHECK_INT(json_record_parse(a, slice_str("[\"a\",\"b\"]"), NOW, &c),
		  KV_EDATA);
	json_arena_free(a);
}

static void *parse_many(void *arg)
{
	struct json_arena *a = json_arena_new();
	struct request r;
	struct slice i;
	char line[64];
	bool *good = arg;

	*good = a != NULL;
	for (int n = 0; *good && n < 20000; n++) {
		int len = snprintf(line, sizeof(line),
				   "{\"op\":\"mget\",\"keys\":[\"%d\",\"b\"]}",
				   n);

		*good = json_request_parse(a, slice_of(line, (size_t)len), NOW,
					   &r, &i) == 0 &&
			r.nkeys == 2 &&
			(int)strtol(r.keys[0].data, NULL, 10) == n;
	}
	json_arena_free(a);
	return NULL;
}

static void threads_parse_into_arenas_of_their_own(void)
{
	pthread_t threads[4];
	bool good[4];

	for (int i = 0; i < 4; i++)
		CHECK_INT(
			pthread_create(&threads[i], NULL, parse_many, &good[i]),
			0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		CHECK(good[i]);
}

TEST_MAIN(T(every_op_is_understood), T(a_set_carries_value_ttl_and_conditions),
	  T(a_write_names_its_client_and_number),
	  T(keys_of_an_mget_are_texts_or_objects),
	  T(a_delete_takes_a_key_or_keys_or_a_prefix),
	  T(bulk_items_are_pairs_or_objects),
	  T(a_scan_carries_range_page_and_cursor),
	  T(escapes_and_utf8_become_the_bytes_they_stand_for),
	  T(an_escaped_backslash_before_u0000_is_legal_text),
	  T(the_id_is_handed_back_as_it_was_written),
	  T(the_id_survives_an_error_behind_it),
	  T(a_huge_bulk_costs_little_more_than_its_line_and_is_given_back),
	  T(a_record_is_a_key_a_value_and_perhaps_a_ttl),
	  T(threads_parse_into_arenas_of_their_own))
