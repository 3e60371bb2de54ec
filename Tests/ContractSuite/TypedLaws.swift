import RoostContract

/// Records with a type: the layer above a store, shown to hold on the store.
///
/// Each law is a generic function, which opens the store of the trial, since a typed collection
/// knows the type of the one underneath.
enum TypedLaws {
  static let all: [Law] = [
    Law("GV-153", "one record that cannot be encoded keeps its whole batch out") {
      try await encodeError($0, in: $0.store)
    },
    Law("GV-154", "one record that cannot be decoded fails the whole search") {
      try await decodeError($0, in: $0.store)
    },
    Law("GV-155", "a typed record comes back as it was written") {
      try await roundTrip($0, in: $0.store)
    },
    Law("GV-156", "a typed search brings no vector unless it is asked for") {
      try await withoutVector($0, in: $0.store)
    },
    Law("GV-157", "a typed record that is not there is not found") {
      try await missing($0, in: $0.store)
    },
    Law("GV-158", "a typed call with nothing to do does nothing, not even look for the collection")
    {
      try await nothing($0, in: $0.store)
    },
  ]

  private struct Note: VectorRecord, Equatable {
    var id: Int
    var vector: [Float]
    var content: String?
    var stars: Double
    var serial: UInt64
    var tags: [String]
    var state = State.fine
    var parent: Int?

    enum Fields {
      static let id = Field<Int>("id")
      static let stars = Field<Double>("stars")
    }
  }

  /// A part of a note that may refuse to be encoded.
  private enum State: Codable, Equatable {
    case fine, refusing

    init(from decoder: any Decoder) throws {
      guard try decoder.singleValueContainer().decode(String.self) == "fine" else {
        throw Refusal()
      }
      self = .fine
    }

    func encode(to encoder: any Encoder) throws {
      guard self == .fine else { throw Refusal() }
      var container = encoder.singleValueContainer()
      try container.encode("fine")
    }
  }

  private struct Refusal: Error {}

  private static func note(_ id: Int, state: State = .fine) -> Note {
    Note(
      id: id, vector: [Float(id), 1], content: id.isMultiple(of: 2) ? "note \(id)" : nil,
      stars: Double(id) / 10, serial: .max - UInt64(id), tags: ["a", "é", ""], state: state,
      parent: id > 1 ? id - 1 : nil)
  }

  private static func notes<Store: VectorStore>(
    in store: Store, _ trial: Trial
  ) async throws -> RecordCollection<Note, Store.Handle> {
    try await store.ensureCollection("typed", of: Note.self, dimension: 2, metric: trial.anyMetric)
  }

  private static func encodeError(_ trial: Trial, in store: some VectorStore) async throws {
    let notes = try await notes(in: store, trial)
    try await notes.upsert([note(1)])
    for bad in [1, 1_000, 1_001] {
      let batch = (1...1_001).map { note($0, state: $0 == bad ? .refusing : .fine) }
      for (verb, write) in [
        ("insert", { try await notes.insert(batch) }),
        ("upsert", { try await notes.upsert(batch) }),
      ] as [(String, () async throws -> Void)] {
        let asked = "to \(verb) 1,001 records, the \(bad)th of which refuses"
        let error = try await trial.expectRefusal(.invalidArgument, of: asked, by: write)
        try trial.expectMessage(of: error, toName: "position \(bad - 1)")
        try trial.expect("the cause", error.cause is Refusal, equals: true)
        try trial.expect("how many records are there", try await notes.count(), equals: 1)
      }
    }
    try trial.expect("the record from before", try await notes.get(1), equals: note(1))
  }

  private static func decodeError(_ trial: Trial, in store: some VectorStore) async throws {
    let notes = try await notes(in: store, trial)
    try await notes.insert((1...3).map { note($0) })
    var record = try Record(encoding: note(2))
    record.metadata?["stars"] = "many"
    try await notes.base.upsert([record])
    for limit in [3, 10] {
      let error = try await trial.expectRefusal(.schemaMismatch, of: "a search over three") {
        _ = try await notes.search(near: [1, 1], limit: limit)
      }
      try trial.expectMessage(of: error, toName: "stars")
      try trial.expectMessage(of: error, toName: "record \"2\"")
    }
    let others = try await notes.search(near: [1, 1]) { $0.id != 2 }
    try trial.expect("the others", others.map(\.record.id).sorted(), equals: [1, 3])
  }

  private static func roundTrip(_ trial: Trial, in store: some VectorStore) async throws {
    let notes = try await notes(in: store, trial)
    let written = (1...4).map { note($0) }
    try await notes.insert(written)
    try trial.expect(
      "the records by id", try await notes.get([4, 5, 1, 2, 3]),
      equals: [written[3], nil, written[0], written[1], written[2]])
    let hits = try await notes.search(near: [1, 1], projection: .everything) { $0.stars > 0.2 }
    try trial.expect(
      "the records found", hits.map(\.record).sorted { $0.id < $1.id },
      equals: Array(written[2...]))

    var changed = written[1]
    changed.content = nil
    changed.parent = nil
    try await notes.upsert([changed])
    try trial.expect("the record replaced", try await notes.get(2), equals: changed)
  }

  private static func withoutVector(_ trial: Trial, in store: some VectorStore) async throws {
    let notes = try await notes(in: store, trial)
    try await notes.insert([note(2)])
    var expected = note(2)
    expected.vector = []
    let hits = try await notes.search(near: [1, 1])
    try trial.expect("the record found", hits.map(\.record), equals: [expected])
    let whole = try await notes.search(near: [1, 1], projection: .everything)
    try trial.expect("the record with its vector", whole.map(\.record), equals: [note(2)])
    try await trial.expectRefusal(.invalidArgument, of: "a search for ids alone") {
      _ = try await notes.search(near: [1, 1], projection: .id)
    }
  }

  private static func missing(_ trial: Trial, in store: some VectorStore) async throws {
    let notes = try await notes(in: store, trial)
    try await notes.insert([note(1)])
    let error = try await trial.expectRefusal(.notFound, of: "record 2") {
      _ = try await notes.get(2)
    }
    try trial.expectMessage(of: error, toName: "\"2\"")
    try trial.expect("a list with it", try await notes.get([2, 1]), equals: [nil, note(1)])
  }

  private static func nothing(_ trial: Trial, in store: some VectorStore) async throws {
    let gone = store.collection("gone", of: Note.self, dimension: 2, metric: trial.anyMetric)
    try await gone.insert([])
    try await gone.upsert([])
    try trial.expect("to delete no ids", try await gone.delete([Int]()), equals: 0)

    let notes = try await notes(in: store, trial)
    try await notes.insert([note(1)])
    try await notes.insert([])
    try await notes.upsert([])
    try trial.expect("to delete no ids", try await notes.delete([Int]()), equals: 0)
    try trial.expect("to get no ids", try await notes.get([Int]()), equals: [])
    try trial.expect("what is there", try await notes.get([1]), equals: [note(1)])
  }
}
