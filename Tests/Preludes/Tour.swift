// What the tour takes as given.

import Roost

/// Three numbers that depend on the text alone, in place of a model.
func embed(_ text: String) -> [Float] {
  var sums: [Float] = [1, 1, 1]
  for (place, byte) in text.utf8.enumerated() { sums[place % 3] += Float(byte % 32) }
  return sums
}
