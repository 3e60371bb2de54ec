// What the page of indexes takes as given: enough records for an index.

import Roost

let records = (0..<3_000).map { number in
  Record(
    id: "\(number)", vector: (0..<8).map { _ in Float.random(in: -1...1) },
    metadata: ["number": .int(Int64(number))])
}
