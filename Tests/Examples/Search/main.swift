// Search of texts by what they mean: records of a type of your own, conditions that the compiler
// checks, and an index.
//
//   example-search STORE FILE ID
//
// FILE is JSON Lines with the embedding of each text beside it, as Benchmarks/Samples has them, so
// that no model is needed here. Whatever makes yours, it makes those of the queries too.

import Foundation
import Roost

/// A meaning of a word, with the text that explains it.
struct Meaning: VectorRecord {
  var id: String
  var lemma: String
  var partOfSpeech: String
  var length: Int
  var content: String
  var embedding: [Float]

  /// What conditions may speak about.
  enum Fields {
    static let partOfSpeech = Field<String>(CodingKeys.partOfSpeech)
    static let length = Field<Int>(CodingKeys.length)
  }
}

/// A line of the file.
struct Line: Decodable {
  struct Facts: Decodable {
    var lemma: String
    var pos: String
    var gloss_len: Int
  }

  var id: String
  var vector: [Float]
  var metadata: Facts
  var content: String

  var meaning: Meaning {
    Meaning(
      id: id, lemma: metadata.lemma, partOfSpeech: metadata.pos, length: metadata.gloss_len,
      content: content, embedding: vector)
  }
}

func search(_ path: String, _ file: String, _ id: String) throws {
  let decoder = JSONDecoder()
  let all = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").map {
    try decoder.decode(Line.self, from: Data($0.utf8)).meaning
  }
  guard let dimension = all.first?.embedding.count else {
    throw StoreError(
      .invalidArgument, found: "\(file) has no line", expected: "a text a line",
      remedy: "Give another file")
  }

  let store = try Store.open(at: path)
  let meanings = try store.ensureCollection("meanings", of: Meaning.self, dimension: dimension)
  try meanings.upsert(all)
  // Made once and kept up to date from then on. So few records are searched without it.
  try meanings.ensureIndex(.hnsw())
  print("\(try meanings.count()) meanings, \(try meanings.count { $0.length < 40 }) of them short")

  guard let origin = try meanings.get([id])[0] else {
    throw StoreError(
      .notFound, found: "there is no meaning \(id)", expected: "an id of the file",
      remedy: "Look for it in the file")
  }
  print("near \(origin.lemma), \(origin.content):")
  let hits = try meanings.search(near: origin.embedding, limit: 6) {
    $0.partOfSpeech == "noun" && $0.length >= 40
  }
  for hit in hits where hit.record.id != id {
    print("  \(hit.record.lemma): \(hit.record.content)")
  }
  try store.close()
}

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3 else {
  print("usage: example-search STORE FILE ID")
  exit(2)
}
do {
  try search(words[0], words[1], words[2])
} catch {
  print("example-search: \(error)")
  exit(1)
}
