/* Notes in a store, from C: open, write, search with a filter, read a record, close.
 *
 *   notes STORE
 *
 * Every call returns a status, and after a failure a text of JSON that says why, which the caller
 * releases. Handles that are released are refused and never followed. */

#include <stdio.h>
#include <stdlib.h>

#include "roost.h"

/* Ends the program when a call failed, and says why. */
static void check(roost_status status, char *error) {
  if (status == ROOST_OK) return;
  fprintf(stderr, "notes: %s: %s\n", roost_status_name(status), error ? error : "");
  roost_free(error);
  exit(1);
}

int main(int count, char **words) {
  if (count != 2) {
    fprintf(stderr, "usage: notes STORE\n");
    return 2;
  }
  char *error = NULL;
  roost_store *store = NULL;
  roost_collection *notes = NULL;
  check(roost_open(words[1], NULL, &store, &error), error);
  check(roost_ensure_collection(store, "{\"name\":\"notes\",\"dimension\":3}", &notes, &error),
        error);

  /* Three records in one call: all of them are stored, or none. */
  const char *ids[] = {"milk", "bread", "rent"};
  const float vectors[] = {1, 0, 0.1f, 0.9f, 0.2f, 0, 0, 0.1f, 1};
  const char *metadata[] = {"{\"due\":3}", "{\"due\":5}", "{\"due\":1}"};
  const char *contents[] = {"buy milk", "bake bread", "pay the rent"};
  check(roost_upsert(notes, 3, ids, vectors, metadata, contents, &error), error);

  /* The nearest of those that are due later; the filter is part of the search. */
  const float query[] = {1, 0, 0};
  const char *later = "{\"filter\":{\"gt\":[\"due\",2]}}";
  roost_hits *hits = NULL;
  check(roost_search(notes, 1, query, 2, later, &hits, &error), error);
  for (size_t rank = 0; rank < roost_hits_count(hits, 0); rank += 1) {
    printf("%s at %.4f\n", roost_hits_id(hits, 0, rank), roost_hits_distance(hits, 0, rank));
  }
  roost_hits_free(hits);

  char *record = NULL;
  check(roost_get(notes, "rent", "{\"vector\":false}", &record, &error), error);
  printf("%s\n", record);
  roost_free(record);

  roost_collection_release(notes);
  check(roost_close(store, &error), error);
  return 0;
}
