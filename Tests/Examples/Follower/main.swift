// One process writes a store, any number of others follow it: each sees what was durable when it
// last refreshed, and nobody waits for anybody.
//
//   example-follower write STORE COUNT &
//   example-follower follow STORE COUNT
//
// The writer stores so many records, ten at a time; a follower tells what it sees, until it has
// seen them all.

import Foundation
import Roost

let batch = 10

/// Stores batches, each whole or not at all.
func write(_ path: String, _ count: Int) throws {
  let store = try Store.open(at: path)
  let readings = try store.ensureCollection(CollectionSpec(name: "readings", dimension: 2))
  for start in stride(from: 0, to: count, by: batch) {
    let records = (start..<min(count, start + batch)).map { number in
      Record(
        id: "\(number)", vector: [Float(number), 1], metadata: ["number": .int(Int64(number))])
    }
    try readings.upsert(records)
    Thread.sleep(forTimeInterval: 0.02)
  }
  try store.close()
  print("wrote \(count) records")
}

/// Opens the store to read it, once somebody has made it.
func opened(_ path: String) throws -> Store {
  while true {
    do {
      return try Store.open(at: path, options: Store.Options(access: .readOnly))
    } catch StoreError.notFound {
      Thread.sleep(forTimeInterval: 0.01)
    }
  }
}

/// Shows one state after the other.
func follow(_ path: String, _ count: Int) throws {
  let store = try opened(path)
  var seen = -1
  while seen < count {
    // A search between two refreshes is answered by one state, whatever the writer does meanwhile.
    try store.refresh()
    let there = try store.listCollections().contains { $0.name == "readings" }
    let now = there ? try store.collection("readings").count() : 0
    if now > seen {
      print("sees \(now)\(now.isMultiple(of: batch) ? "" : ", a part of a batch")")
      seen = now
    }
    Thread.sleep(forTimeInterval: 0.005)
  }
  let last = try store.collection("readings").search([
    SearchQuery(near: [Float(count - 1), 1], limit: 1, where: Field<Int>("number") == count - 1)
  ])[0]
  print("the last one is \(last.first?.record.id ?? "missing")")
  try store.close()
}

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3, let count = Int(words[2]), count > 0 else {
  print("usage: example-follower write|follow STORE COUNT")
  exit(2)
}
do {
  switch words[0] {
  case "write": try write(words[1], count)
  default: try follow(words[1], count)
  }
} catch {
  print("example-follower: \(error)")
  exit(1)
}
