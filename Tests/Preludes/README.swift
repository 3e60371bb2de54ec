// What the README takes as given.

import Roost

func embed(_ text: String) -> [Float] {
  var numbers = SystemRandomNumberGenerator()
  return (0..<384).map { _ in Float.random(in: -1...1, using: &numbers) }
}

let batch = (0..<40).map {
  Article(id: "\($0)", title: "number \($0)", year: 2_000 + $0, embedding: embed("\($0)"))
}
let query = embed("owls")

// block 1
precondition(hits.count == 10 && hits.allSatisfy { $0.record.year >= 2020 })
let notes = [Record(id: "new", vector: [1, 0])]
let shelf = try store.ensureCollection(CollectionSpec(name: "shelf", dimension: 2))
let archive = try store.ensureCollection(CollectionSpec(name: "archive", dimension: 2))
try archive.upsert([Record(id: "old", vector: [0, 1])])

// block 2
let counts = [try shelf.count(), try archive.count(), try before.reading(shelf).count()]
precondition(counts == [1, 0, 0] && sure.count == 10)
let followed = try reader.collection("articles").count()
precondition(followed == 40)
