// Roost, an embedded vector database, for programs in C and whatever can call C.
//
//   roost_store *store = NULL;
//   roost_collection *notes = NULL;
//   char *error = NULL;
//   if (roost_open("notes.roost", NULL, &store, &error) != ROOST_OK) { puts(error); … }
//   roost_ensure_collection(store, "{\"name\":\"notes\",\"dimension\":2}", &notes, &error);
//   …
//   roost_collection_release(notes);
//   roost_close(store, &error);
//
// Rules that hold for every function:
//
// - Any thread may call with any handle, also with one that another thread is using.
// - Handles are numbers that look like pointers; nothing lies behind them. One that is NULL, was
//   released, or was made for something else is refused with a status, and nothing happens.
// - Where `char **error` is asked for, NULL may be given. Otherwise *error is NULL after a success,
//   and after a failure JSON `{"code":…,"message":…,"cause":…}`, to be released with roost_free.
// - What a call gives out through a pointer is NULL or 0 after a failure. Strings that it gives out
//   are released with roost_free. The pointer itself must not be NULL.
// - Texts are UTF-8, and end with a NUL where no length is given with them.
// - A process that was forked gets ROOST_CLOSED for every handle of its parent.
//
// Vectors, ids, texts and JSON that are handed in are copied before the call returns.

#ifndef ROOST_H
#define ROOST_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// An open store.
typedef struct roost_store roost_store;
/// A collection of an open store.
typedef struct roost_collection roost_collection;
/// What a search found.
typedef struct roost_hits roost_hits;

/// How a call ended: ROOST_OK, or why it failed.
typedef int32_t roost_status;

enum {
  ROOST_OK = 0,
  /// There is no such record or collection.
  ROOST_NOT_FOUND = 1,
  /// An insert met an id that is taken.
  ROOST_ALREADY_EXISTS = 2,
  /// A vector has another length than its collection.
  ROOST_DIMENSION_MISMATCH = 3,
  /// A collection or index is not, or cannot be, what was asked for.
  ROOST_SCHEMA_MISMATCH = 4,
  /// A filter has no meaning.
  ROOST_INVALID_FILTER = 5,
  /// An argument has no meaning.
  ROOST_INVALID_ARGUMENT = 6,
  /// The store does not do this.
  ROOST_UNSUPPORTED = 7,
  /// Stored bytes are not what was written.
  ROOST_CORRUPTED = 8,
  /// The operating system failed a read or a write.
  ROOST_IO = 9,
  /// There is no room left on the disk.
  ROOST_DISK_FULL = 10,
  /// Another process holds the store.
  ROOST_LOCKED = 11,
  /// The store is closed, or the handle was released.
  ROOST_CLOSED = 12,
  /// The store was opened for reading.
  ROOST_READ_ONLY = 13,
  /// It is unknown whether the write happened.
  ROOST_INDETERMINATE = 14,
  /// Something passes a limit.
  ROOST_TOO_LARGE = 15,
  /// There is no memory left.
  ROOST_OUT_OF_MEMORY = 16,
  /// The work was cancelled.
  ROOST_CANCELLED = 17,
  /// The work took longer than it may.
  ROOST_TIMEOUT = 18,
  /// The store cannot be reached.
  ROOST_UNAVAILABLE = 19,
  /// The operating system forbids it.
  ROOST_PERMISSION = 20
};

/// The version of the library, such as "0.1.0"; not to be released.
const char *roost_version(void);

/// The name of a status as in the JSON of errors, such as "not_found"; "ok" for ROOST_OK, NULL for
/// a number that is no status; not to be released.
const char *roost_status_name(roost_status status);

/// Releases a string that the library gave out; NULL is allowed.
void roost_free(void *text);

// MARK: - Stores

/// Opens the store in a directory, and makes it when it is missing.
///
/// Options, all of which may be left out, as may the whole JSON (NULL):
///   {"access":"read_write"|"read_only",
///    "durability":"sync"|{"group_ms":5}|{"buffered_ms":200}|"bulk",
///    "create":true,"io":"mmap"|"pread","memory_limit_mb":48}
roost_status roost_open(const char *path, const char *options_json, roost_store **store,
                        char **error);

/// Ends a store: what is in memory becomes segments, so that the next open is quick.
///
/// Whatever it returns, the handle is released, and calls with its collections are ROOST_CLOSED.
/// Writes that were acknowledged are there at the next open, also after a failure here. NULL is
/// allowed and does nothing.
roost_status roost_close(roost_store *store, char **error);

/// Makes every write durable, in segments.
roost_status roost_checkpoint(roost_store *store, char **error);

/// Shows what was committed since, in a store that only reads.
roost_status roost_refresh(roost_store *store, char **error);

/// What the store holds:
///   {"collections":[{"name","dimension","metric","element","records","bytes","indexes":[…]}],
///    "records":3}
roost_status roost_statistics(roost_store *store, char **json, char **error);

/// Whether the store can be read and written:
///   {"state":"healthy"|"degraded"|"unhealthy","store":"roost","latency_ns":3,"details":{…},
///    "error":null}
roost_status roost_health(roost_store *store, char **json, char **error);

/// Looks a store over, open or not, and changes nothing.
///
/// Options: {"full":true} reads every byte; NULL is a quick look. A store that is damaged is a
/// success with "ok":false in the report; a failure means that it could not be looked at.
roost_status roost_check(const char *path, const char *options_json, char **report_json,
                         char **error);

// MARK: - Long work

/// Is told how far some work has come, in the thread that asked for the work; a total of 0 means
/// that it is not known yet. The last call of work that succeeds has completed == total.
///
/// A result other than 0 cancels the work: it stops soon with ROOST_CANCELLED, and nothing of it is
/// kept. The callback may read from any store, and must not close, checkpoint, compact, index or
/// back up one: that is ROOST_INVALID_ARGUMENT.
typedef int32_t (*roost_progress)(void *context, uint64_t completed, uint64_t total,
                                  const char *phase);

/// Merges segments and drops what is dead, as far as anything is gained by it.
roost_status roost_compact(roost_store *store, roost_progress progress, void *context,
                           char **error);

/// Copies the store as it is now into another directory, which can be opened as a store.
///
/// The directory may hold an earlier backup of the same store; then only what is new is copied.
roost_status roost_backup(roost_store *store, const char *path, roost_progress progress,
                          void *context, char **error);

/// Makes a store of a backup, in a directory that holds none.
roost_status roost_restore(const char *backup, const char *path, roost_progress progress,
                           void *context, char **error);

// MARK: - Collections

/// Makes a collection be there, and gives a handle to it; one that differs is
/// ROOST_SCHEMA_MISMATCH.
///
///   {"name":"notes","dimension":384,"metric":"cosine"|"l2"|"inner_product",
///    "mode":"strict"|"auto_migrate","element":"f32"|"f16"|"bf16"|"i8"}
roost_status roost_ensure_collection(roost_store *store, const char *spec_json,
                                     roost_collection **collection, char **error);

/// Gives a handle to the collection of this name; none is ROOST_NOT_FOUND.
roost_status roost_open_collection(roost_store *store, const char *name,
                                   roost_collection **collection, char **error);

/// Ends a collection and its records; none of that name is ROOST_NOT_FOUND.
roost_status roost_drop_collection(roost_store *store, const char *name, char **error);

/// The specs of the collections, by name, as a JSON array.
roost_status roost_list_collections(roost_store *store, char **json, char **error);

/// The spec of a collection as it is now.
roost_status roost_collection_spec(roost_collection *collection, char **spec_json, char **error);

/// Releases a handle; the collection stays. NULL and a handle that was released do nothing.
void roost_collection_release(roost_collection *collection);

/// Makes an index be there; one of its name with other options is made anew.
///
///   {"vector":{"method":"hnsw","m":16,"ef_construction":64,"name":null,"quantization":"auto"}}
///   {"vector":{"method":"ivfflat","lists":100}}            lists may be "auto"
///   {"metadata":{"name":null,"fields":["category"]}}
///
/// quantization is auto, none, sq8, sq4 or rabitq: what the index keeps of a vector.
roost_status roost_ensure_index(roost_collection *collection, const char *index_json,
                                roost_progress progress, void *context, char **error);

/// Ends an index; none of that name is ROOST_NOT_FOUND.
roost_status roost_drop_index(roost_collection *collection, const char *name, char **error);

// MARK: - Writing

// `vectors` holds n times as many numbers as the collection's dimension, vector after vector.
// metadata_json holds one JSON object a record; it and contents may be NULL, as may each entry.
// A call is stored whole or not at all. n may be 0.

/// Stores new records; one id that is taken, or stands twice, refuses them all.
roost_status roost_insert(roost_collection *collection, size_t n, const char *const *ids,
                          const float *vectors, const char *const *metadata_json,
                          const char *const *contents, char **error);

/// Stores records, each replacing wholly the one of its id; an id that stands twice refuses them
/// all.
roost_status roost_upsert(roost_collection *collection, size_t n, const char *const *ids,
                          const float *vectors, const char *const *metadata_json,
                          const char *const *contents, char **error);

/// As roost_insert, with the lengths of the texts in bytes; NULL lengths mean that they end with a
/// NUL.
roost_status roost_insert_n(roost_collection *collection, size_t n, const char *const *ids,
                            const size_t *id_lengths, const float *vectors,
                            const char *const *metadata_json, const size_t *metadata_lengths,
                            const char *const *contents, const size_t *content_lengths,
                            char **error);

/// As roost_upsert, with the lengths of the texts in bytes; NULL lengths mean that they end with a
/// NUL.
roost_status roost_upsert_n(roost_collection *collection, size_t n, const char *const *ids,
                            const size_t *id_lengths, const float *vectors,
                            const char *const *metadata_json, const size_t *metadata_lengths,
                            const char *const *contents, const size_t *content_lengths,
                            char **error);

/// Removes the records of these ids, and tells how many there were; `deleted` may be NULL.
roost_status roost_delete(roost_collection *collection, size_t n, const char *const *ids,
                          uint64_t *deleted, char **error);

/// As roost_delete, with the lengths of the ids in bytes.
roost_status roost_delete_n(roost_collection *collection, size_t n, const char *const *ids,
                            const size_t *id_lengths, uint64_t *deleted, char **error);

/// Removes the records that satisfy a filter, which must be given, and tells how many there were;
/// `deleted` may be NULL.
roost_status roost_delete_where(roost_collection *collection, const char *filter_json,
                                uint64_t *deleted, char **error);

// MARK: - Reading

// A filter is one JSON object with one name a node; a field is the name of a metadata value,
// {"metadata":["path",0]}, {"column":"id"} or {"column":"content"}:
//   {"eq":["category","news"]} {"in":["category",["news","blog"]]}
//   {"gt":["rank",1]} {"lt":["rank",9]} {"exists":"rank"} {"and":[f,…]} {"or":[f,…]} {"not":f}
//
// A projection names the parts of a record that are wanted; what it does not name is as in
//   {"vector":false,"metadata":true,"content":true}
// With no projection at all (NULL) a read by id or page gives every part, a search these.

/// The record of an id as JSON, {"id","vector","metadata","content"}; none is ROOST_NOT_FOUND.
roost_status roost_get(roost_collection *collection, const char *id, const char *projection_json,
                       char **record_json, char **error);

/// The records of these ids, in this order, as a JSON array; null where there is none.
/// id_lengths may be NULL.
roost_status roost_get_many(roost_collection *collection, size_t n, const char *const *ids,
                            const size_t *id_lengths, const char *projection_json,
                            char **records_json, char **error);

/// How many records satisfy a filter; all of them with NULL.
roost_status roost_count(roost_collection *collection, const char *filter_json, uint64_t *count,
                         char **error);

/// The next `limit` records in the order of ids after an id (NULL begins at the first) that satisfy
/// a filter (NULL takes all): {"records":[…],"next":"the id to go on after, or null at the end"}.
roost_status roost_scroll(roost_collection *collection, const char *after_id, size_t limit,
                          const char *filter_json, const char *projection_json, char **page_json,
                          char **error);

/// The k nearest records for each of the queries, which lie one after the other; all of them are
/// answered on the same state of the collection. Many are answered on all cores.
///
/// Options, all of which may be left out, as may the whole JSON (NULL):
///   {"filter":f,"threshold":0.4,"projection":p,"exact":false,"recall":0.95,"effort":64,
///    "threads":1,"explain":false}
roost_status roost_search(roost_collection *collection, size_t query_count, const float *queries,
                          size_t k, const char *options_json, roost_hits **hits, char **error);

// MARK: - Hits

// Hits stay as they are whatever is written later, also when the store is closed. A query or rank
// that is out of range, and hits that were freed, are answered with 0, NULL or NaN.

/// How many hits a query has.
size_t roost_hits_count(const roost_hits *hits, size_t query);

/// The id of a hit, the nearest at rank 0; valid until roost_hits_free.
const char *roost_hits_id(const roost_hits *hits, size_t query, size_t rank);

/// The distance of a hit; the smaller, the closer.
double roost_hits_distance(const roost_hits *hits, size_t query, size_t rank);

/// The score of a hit; the larger, the more alike.
double roost_hits_score(const roost_hits *hits, size_t query, size_t rank);

/// The record of a hit as JSON, with the parts that the search asked for.
roost_status roost_hits_record(const roost_hits *hits, size_t query, size_t rank,
                               char **record_json, char **error);

/// How the search was done: {"queries":1,"hits":10,"threads":1,"nanoseconds":50000}.
roost_status roost_hits_explain(const roost_hits *hits, char **json, char **error);

/// The whole result as arrays, valid until roost_hits_free.
///
/// The hits of query q are those from query_offsets[q] up to, without, query_offsets[q + 1]; hit h
/// has the distance distances[h], and its id begins at id_bytes[id_offsets[h]] and ends with a NUL,
/// after which the next begins. Each of the pointers may be NULL where an array is not wanted; all
/// are set to NULL when the hits are not there any more.
void roost_hits_arrays(const roost_hits *hits, const uint64_t **query_offsets,
                       const double **distances, const char **id_bytes,
                       const uint64_t **id_offsets);

/// What roost_search_arrays finds.
///
/// `hits` is as roost_search gives it, and is released with roost_hits_free; `error` is NULL unless
/// the search failed. From `query_offsets` on lie, one behind the other, in `byte_count` bytes: the
/// offsets of queries, one more than there are queries; the distances, `hit_count` of them; the
/// offsets of ids, one more than that; and the ids, each with its NUL.
typedef struct roost_arrays {
  roost_hits *hits;
  char *error;
  const uint64_t *query_offsets;
  size_t hit_count;
  size_t byte_count;
} roost_arrays;

/// The same as roost_search and roost_hits_arrays at once, for bindings to which a call is dear.
roost_status roost_search_arrays(roost_collection *collection, size_t query_count,
                                 const float *queries, size_t k, const char *options_json,
                                 roost_arrays *arrays);

/// Releases hits; NULL and hits that were released do nothing.
void roost_hits_free(roost_hits *hits);

#ifdef __cplusplus
}
#endif

#endif
