// Goes through every function of roost.h and its misuses, as a program in C would. The same text is
// compiled as C++ too. Takes a directory that is not there yet; ends with 1 at the first surprise.

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "roost.h"

static int checks = 0;

static void expect_at(int holds, const char *what, int line) {
  checks += 1;
  if (holds) return;
  fprintf(stderr, "calls.c:%d: %s does not hold\n", line, what);
  exit(1);
}
#define expect(condition) expect_at((condition) ? 1 : 0, #condition, __LINE__)

/// The call fails with the status, and says why in JSON.
static void expect_failure_at(roost_status status, roost_status wanted, char **error, int line) {
  expect_at(status == wanted, *error ? *error : "the status without an error", line);
  expect_at(*error != NULL, "an error with words", line);
  char code[64];
  snprintf(code, sizeof code, "\"code\":\"%s\"", roost_status_name(wanted));
  expect_at(strstr(*error, code) != NULL, *error, line);
  expect_at(strstr(*error, "\"message\":") != NULL, *error, line);
  roost_free(*error);
  *error = NULL;
}
#define expect_failure(call, wanted) expect_failure_at((call), (wanted), &error, __LINE__)

#define expect_ok(call) expect_ok_at((call), &error, __LINE__)
static void expect_ok_at(roost_status status, char **error, int line) {
  expect_at(status == ROOST_OK, *error ? *error : "ROOST_OK", line);
  expect_at(*error == NULL, "no error after a success", line);
}

struct told {
  int calls;
  int cancel_at;
  uint64_t completed, total;
};

static int32_t progress(void *context, uint64_t completed, uint64_t total, const char *phase) {
  struct told *told = (struct told *)context;
  expect(phase != NULL && phase[0] != 0);
  told->calls += 1;
  told->completed = completed;
  told->total = total;
  return told->calls == told->cancel_at;
}

static char *path_in(const char *folder, const char *name) {
  size_t size = strlen(folder) + strlen(name) + 2;
  char *path = (char *)malloc(size);
  snprintf(path, size, "%s/%s", folder, name);
  return path;
}

static const char *const ids[] = {"a", "b", "c"};
static const float vectors[] = {0, 0, 1, 0, 0, 3};
static const char *const metadata[] = {"{\"n\":1}", NULL, "{\"n\":3}"};
static const char *const contents[] = {NULL, "text of b", NULL};
static char *error = NULL;

static void write_and_read(roost_store *store, roost_collection *notes) {
  char *text = NULL;
  uint64_t number = 0;
  expect_ok(roost_insert(notes, 3, ids, vectors, metadata, contents, &error));
  expect_failure(roost_insert(notes, 1, ids, vectors, NULL, NULL, &error), ROOST_ALREADY_EXISTS);
  expect_ok(roost_upsert(notes, 3, ids, vectors, metadata, contents, &error));
  const size_t lengths[] = {1, 1};
  const char *const together[] = {"de", "ef"};
  expect_ok(roost_insert_n(notes, 2, together, lengths, vectors, NULL, NULL, NULL, NULL, &error));
  expect_ok(roost_upsert_n(notes, 2, together, lengths, vectors, NULL, NULL, together, lengths,
                           &error));
  expect_ok(roost_count(notes, NULL, &number, &error));
  expect(number == 5);
  expect_ok(roost_delete_n(notes, 1, together, lengths, &number, &error));
  expect(number == 1);
  expect_ok(roost_delete(notes, 1, together + 1, &number, &error));
  expect(number == 0);
  expect_ok(roost_delete_where(notes, "{\"eq\":[{\"column\":\"id\"},\"e\"]}", &number, &error));
  expect(number == 1);
  expect_ok(roost_get(notes, "b", NULL, &text, &error));
  const char *b = "{\"id\":\"b\",\"vector\":[1,0],\"metadata\":{},\"content\":\"text of b\"}";
  expect(strcmp(text, b) == 0);
  roost_free(text);
  expect_failure(roost_get(notes, "z", NULL, &text, &error), ROOST_NOT_FOUND);
  expect(text == NULL);
  const char *const wanted[] = {"z", "a"};
  expect_ok(roost_get_many(notes, 2, wanted, NULL, "{\"content\":false}", &text, &error));
  expect(strcmp(text, "[null,{\"id\":\"a\",\"metadata\":{\"n\":1}}]") == 0);
  roost_free(text);
  const char *bare = "{\"metadata\":false}";
  expect_ok(roost_scroll(notes, NULL, 2, "{\"exists\":\"n\"}", bare, &text, &error));
  expect(strstr(text, "\"next\":null") != NULL);
  roost_free(text);
  expect_ok(roost_collection_spec(notes, &text, &error));
  expect(strstr(text, "\"dimension\":2") != NULL);
  roost_free(text);
  expect_ok(roost_list_collections(store, &text, &error));
  expect(text[0] == '[');
  roost_free(text);
  expect_ok(roost_statistics(store, &text, &error));
  expect(strstr(text, "\"records\":3") != NULL);
  roost_free(text);
  expect_ok(roost_health(store, &text, &error));
  expect(strstr(text, "\"state\":\"healthy\"") != NULL);
  roost_free(text);
}

static void search(roost_collection *notes) {
  const float queries[] = {0.9f, 0, 0, 2};
  roost_hits *hits = NULL;
  char *text = NULL;
  expect_ok(roost_search(notes, 2, queries, 2, NULL, &hits, &error));
  expect(roost_hits_count(hits, 0) == 2 && roost_hits_count(hits, 1) == 2);
  expect(strcmp(roost_hits_id(hits, 0, 0), "b") == 0);
  expect(strcmp(roost_hits_id(hits, 1, 0), "c") == 0);
  expect(fabs(roost_hits_distance(hits, 1, 0) - 1) < 1e-9);
  expect(fabs(roost_hits_score(hits, 1, 0) - 0.5) < 1e-9);
  expect_ok(roost_hits_record(hits, 0, 0, &text, &error));
  expect(strcmp(text, "{\"id\":\"b\",\"metadata\":{},\"content\":\"text of b\"}") == 0);
  roost_free(text);
  expect_ok(roost_hits_explain(hits, &text, &error));
  expect(strstr(text, "\"queries\":2") != NULL);
  roost_free(text);
  const uint64_t *offsets, *id_offsets;
  const double *distances;
  const char *id_bytes;
  roost_hits_arrays(hits, &offsets, &distances, &id_bytes, &id_offsets);
  expect(offsets[0] == 0 && offsets[1] == 2 && offsets[2] == 4);
  for (uint64_t hit = 0; hit < offsets[2]; hit++) {
    expect(distances[hit] == roost_hits_distance(hits, hit / 2, hit % 2));
    expect(strcmp(id_bytes + id_offsets[hit], roost_hits_id(hits, hit / 2, hit % 2)) == 0);
    expect(id_offsets[hit + 1] - id_offsets[hit] == strlen(id_bytes + id_offsets[hit]) + 1);
  }
  roost_hits_arrays(hits, NULL, NULL, NULL, NULL);
  roost_arrays arrays;
  expect(roost_search_arrays(notes, 2, queries, 2, NULL, &arrays) == ROOST_OK);
  expect(arrays.error == NULL && arrays.hits != NULL && arrays.hits != hits);
  expect(arrays.hit_count == 4 && roost_hits_count(arrays.hits, 1) == 2);
  // One behind the other: offsets of queries, distances, offsets of ids, ids.
  expect(arrays.byte_count == 8 * (3 + 4 + 5) + id_offsets[4]);
  expect(memcmp(arrays.query_offsets, offsets, 8 * 3) == 0);
  expect(memcmp(arrays.query_offsets + 3, distances, 8 * 4) == 0);
  expect(memcmp(arrays.query_offsets + 3 + 4, id_offsets, 8 * 5) == 0);
  expect(memcmp(arrays.query_offsets + 3 + 4 + 5, id_bytes, id_offsets[4]) == 0);
  roost_hits_free(arrays.hits);
  expect(roost_search_arrays(notes, 2, queries, 2, NULL, NULL) == ROOST_INVALID_ARGUMENT);
  expect(roost_search_arrays(notes, 1, queries, 0, NULL, &arrays) == ROOST_INVALID_ARGUMENT);
  expect(arrays.hits == NULL && arrays.query_offsets == NULL && arrays.hit_count == 0);
  expect(strstr(arrays.error, "\"invalid_argument\"") != NULL);
  roost_free(arrays.error);
  expect(roost_hits_id(hits, 0, 2) == NULL && roost_hits_id(hits, 2, 0) == NULL);
  expect(roost_hits_id(hits, SIZE_MAX, SIZE_MAX) == NULL);
  expect(isnan(roost_hits_distance(hits, 0, SIZE_MAX)) && isnan(roost_hits_score(hits, 9, 9)));
  expect_failure(roost_hits_record(hits, 0, 2, &text, &error), ROOST_INVALID_ARGUMENT);
  roost_hits_free(hits);
  roost_hits_free(hits);
  expect(roost_hits_count(hits, 0) == 0);
  expect_failure(roost_hits_explain(hits, &text, &error), ROOST_CLOSED);
  expect_failure(roost_search(notes, 1, queries, 0, NULL, &hits, &error), ROOST_INVALID_ARGUMENT);
  expect(hits == NULL);
  expect_failure(roost_search(notes, 1, queries, SIZE_MAX, NULL, &hits, &error), ROOST_TOO_LARGE);
  expect_failure(roost_search(notes, SIZE_MAX, queries, 1, NULL, &hits, &error), ROOST_TOO_LARGE);
  expect_failure(roost_search(notes, SIZE_MAX / 8 + 1, queries, 1, NULL, &hits, &error),
                 ROOST_TOO_LARGE);
  expect_failure(roost_search(notes, 1, NULL, 1, NULL, &hits, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_search(notes, 1, queries, 1, "{", &hits, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_search(notes, 1, queries, 1, "{\"filter\":{\"or\":[]}}", &hits, &error),
                 ROOST_INVALID_FILTER);
}

static void maintain(const char *folder, roost_store *store, roost_collection *notes) {
  char *backup = path_in(folder, "backup"), *copy = path_in(folder, "copy");
  char *text = NULL;
  struct told told = {0, 0, 0, 0};
  expect_ok(roost_checkpoint(store, &error));
  expect_ok(roost_ensure_index(notes, "{\"vector\":{\"name\":\"near\"}}", progress, &told, &error));
  expect(told.total > 0 && told.completed == told.total);
  expect_ok(roost_drop_index(notes, "near", &error));
  expect_failure(roost_drop_index(notes, "near", &error), ROOST_NOT_FOUND);
  struct told none = {0, 1, 0, 0};
  expect_failure(roost_backup(store, backup, progress, &none, &error), ROOST_CANCELLED);
  expect(none.calls == 1);
  expect_ok(roost_backup(store, backup, progress, &told, &error));
  expect_ok(roost_restore(backup, copy, NULL, NULL, &error));
  expect_failure(roost_restore(backup, copy, NULL, NULL, &error), ROOST_ALREADY_EXISTS);
  expect_ok(roost_compact(store, progress, &told, &error));
  expect_ok(roost_check(copy, "{\"full\":true}", &text, &error));
  expect(strstr(text, "\"ok\":true") != NULL);
  roost_free(text);
  roost_store *reader = NULL;
  expect_ok(roost_open(copy, "{\"access\":\"read_only\"}", &reader, &error));
  expect_ok(roost_refresh(reader, &error));
  expect_failure(roost_drop_collection(reader, "notes", &error), ROOST_READ_ONLY);
  expect_ok(roost_close(reader, &error));
  free(backup);
  free(copy);
}

static void misuse(const char *folder, roost_store *store, roost_collection *notes) {
  int stranger = 0;
  char *text = NULL;
  roost_collection *other = NULL;
  roost_store *again = NULL;
  expect_failure(roost_health((roost_store *)&stranger, &text, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_health((roost_store *)notes, &text, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_count((roost_collection *)store, NULL, NULL, &error),
                 ROOST_INVALID_ARGUMENT);
  expect_failure(roost_open(folder, NULL, NULL, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_open(NULL, NULL, &again, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_open("\xC3\x28", NULL, &again, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_open_collection(store, "none", &other, &error), ROOST_NOT_FOUND);
  expect_failure(
      roost_ensure_collection(store, "{\"name\":\"notes\",\"dimension\":3}", &other, &error),
      ROOST_SCHEMA_MISMATCH);
  expect_failure(roost_upsert(notes, SIZE_MAX / 2, ids, vectors, NULL, NULL, &error),
                 ROOST_TOO_LARGE);
  expect_failure(roost_upsert(notes, 3, ids, NULL, NULL, NULL, &error), ROOST_INVALID_ARGUMENT);
  const float strange[] = {NAN, 0};
  expect_failure(roost_upsert(notes, 1, ids, strange, NULL, NULL, &error), ROOST_INVALID_ARGUMENT);
  expect_failure(roost_drop_collection(store, "none", &error), ROOST_NOT_FOUND);
  expect(roost_count(NULL, NULL, NULL, NULL) == ROOST_INVALID_ARGUMENT);
  roost_collection_release(NULL);
  roost_hits_free(NULL);
  roost_free(NULL);
  expect_ok(roost_open_collection(store, "notes", &other, &error));
  roost_collection_release(other);
  expect_failure(roost_collection_spec(other, &text, &error), ROOST_CLOSED);
  expect(strcmp(roost_status_name(ROOST_OK), "ok") == 0 && roost_status_name(21) == NULL);
  expect(roost_version()[0] != 0);
}

/// A child finds what its parent opened closed, leaves the parent's files alone, and can open a
/// store of its own.
static void forked(const char *folder, roost_store *store, roost_collection *notes) {
  fflush(NULL);
  pid_t child = fork();
  expect(child >= 0);
  if (child == 0) {
    uint64_t number = 0;
    roost_store *own = NULL;
    char *path = path_in(folder, "child");
    expect_failure(roost_count(notes, NULL, &number, &error), ROOST_CLOSED);
    expect_failure(roost_upsert(notes, 3, ids, vectors, NULL, NULL, &error), ROOST_CLOSED);
    expect_failure(roost_checkpoint(store, &error), ROOST_CLOSED);
    expect_failure(roost_close(store, &error), ROOST_CLOSED);
    roost_collection_release(notes);
    expect_ok(roost_open(path, NULL, &own, &error));
    expect_failure(roost_count(notes, NULL, &number, &error), ROOST_CLOSED);
    expect_ok(roost_close(own, &error));
    _exit(0);
  }
  int status = 0;
  expect(waitpid(child, &status, 0) == child);
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  uint64_t number = 0;
  expect_ok(roost_count(notes, NULL, &number, &error));
  expect(number == 3);
}

static void *search_often(void *argument) {
  roost_collection *notes = (roost_collection *)argument;
  const float query[] = {1, 1};
  for (int round = 0; round < 200; round++) {
    roost_hits *hits = NULL;
    if (roost_search(notes, 1, query, 2, NULL, &hits, NULL) != ROOST_OK) return argument;
    if (roost_hits_count(hits, 0) != 2) return argument;
    roost_hits_free(hits);
  }
  return NULL;
}

static void from_threads(roost_collection *notes) {
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) {
    expect(pthread_create(&threads[i], NULL, search_often, notes) == 0);
  }
  for (int round = 0; round < 20; round++) {
    expect_ok(roost_upsert(notes, 3, ids, vectors, metadata, contents, &error));
  }
  for (int i = 0; i < 4; i++) {
    void *failed = NULL;
    expect(pthread_join(threads[i], &failed) == 0 && failed == NULL);
  }
}

int main(int count, char **arguments) {
  if (count != 2) return 2;
  const char *folder = arguments[1];
  char *path = path_in(folder, "store");
  roost_store *store = NULL, *second = NULL;
  roost_collection *notes = NULL;
  expect_ok(roost_open(path, "{\"durability\":{\"buffered_ms\":50}}", &store, &error));
  expect_failure(roost_open(path, NULL, &second, &error), ROOST_LOCKED);
  expect(second == NULL);
  expect_ok(roost_ensure_collection(
      store, "{\"name\":\"notes\",\"dimension\":2,\"metric\":\"l2\"}", &notes, &error));
  write_and_read(store, notes);
  search(notes);
  maintain(folder, store, notes);
  misuse(folder, store, notes);
  from_threads(notes);
  forked(folder, store, notes);
  expect_ok(roost_drop_collection(store, "notes", &error));
  expect_failure(roost_count(notes, NULL, NULL, &error), ROOST_INVALID_ARGUMENT);
  expect_ok(roost_close(store, &error));
  expect_failure(roost_close(store, &error), ROOST_CLOSED);
  expect_failure(roost_upsert(notes, 3, ids, vectors, NULL, NULL, &error), ROOST_CLOSED);
  roost_collection_release(notes);
  roost_collection_release(notes);
  expect_ok(roost_close(NULL, &error));
  free(path);
  printf("%d expectations hold\n", checks);
  return 0;
}
