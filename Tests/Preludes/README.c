/* What the README takes as given. */

#include <roost.h>
#include <stdio.h>

int main(void) {
  const char *ids[] = {"a", "b"};
  const float vectors[] = {1, 0, 0, 1}, query[] = {1, 0};

  // block 1
  if (error != NULL) return puts(error);
  return roost_count(notes, NULL, &(uint64_t){0}, &error) == ROOST_OK ? 0 : puts(error);
}
