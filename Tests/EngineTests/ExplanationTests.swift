import RoostContract
import RoostFiles
import Testing

@testable import RoostEngine

@Suite("An explanation of a search")
struct ExplanationTests {
  /// A segment with an index, one that is too small for one, and a row in memory.
  private static func bed(_ kind: IndexSpec) throws -> IndexedBed {
    var bed = try IndexedBed(.l2, dimension: 24, indexedRows: 100)
    func records(_ numbers: Range<Int>) -> [Record] {
      numbers.map { Clustered.record($0, dimension: 24) }
    }
    try bed.upsert(records(0..<700))
    try bed.collection.ensureIndexes([kind])
    try bed.upsert(records(700..<750))
    try bed.store.checkpoint()
    try bed.upsert(records(750..<753))
    return bed
  }

  private static let vector = Clustered.vector(900_000, dimension: 24)

  @Test("has a part for each place, whose numbers fit together", arguments: IndexedBed.kinds)
  func parts(_ kind: IndexSpec) throws {
    let bed = try Self.bed(kind)
    let filter = Filter.lt(.metadata("n"), 300)
    for query in [
      SearchQuery(near: Self.vector), SearchQuery(near: Self.vector, exact: true),
      SearchQuery(near: Self.vector, where: filter, recall: 0.9),
      SearchQuery(near: Self.vector, effort: 4), SearchQuery(near: Self.vector, where: Filter.none),
    ] {
      let explanation = try bed.collection.explain([query])[0]
      #expect(explanation.hits == (try bed.found(query)).count)
      #expect(explanation.parts.map(\.rows) == [700, 50, 3])
      #expect(explanation.parts.last?.place == "memory")
      #expect(Set(explanation.parts.map(\.place)).count == 3)
      for part in explanation.parts {
        #expect((0...part.rows).contains(part.scored) && !part.reason.isEmpty)
        #expect((0...part.rows).contains(part.matches ?? 0))
        // An effort is what walks and lists have, and others have not.
        #expect((part.effort != nil) == (part.way == .graph || part.way == .lists))
        if query.filter == Filter.none, part.place != "memory" {
          #expect(part.way == .nothing && part.matches == 0 && part.scored == 0)
        }
      }
      // An exact search looks at every match: by its codes where an index has them.
      if query.exact {
        #expect(explanation.parts.map(\.way) == [.codes, .scan, .scan])
        #expect(explanation.parts.allSatisfy { ($0.compared != nil) == ($0.way == .codes) })
      }
      #expect((explanation.recall == nil) == (query.exact || query.effort != nil))
    }
    let matching = bed.records.prefix(700).count { filter.matches($0) }
    let query = SearchQuery(near: Self.vector, where: filter)
    #expect(try bed.collection.explain([query])[0].parts.first?.matches == matching)
    try bed.store.close()
  }

  @Test("says as JSON what it says in its parts", arguments: IndexedBed.kinds)
  func json(_ kind: IndexSpec) throws {
    let bed = try Self.bed(kind)
    for query in [
      SearchQuery(near: Self.vector, where: .lt(.metadata("n"), 300), recall: 0.9),
      SearchQuery(near: Self.vector, exact: true),
    ] {
      let explanation = try bed.collection.explain([query])[0]
      let form = try Metadata(json: explanation.json)
      #expect(form["hits"] == .int(Int64(explanation.hits)))
      #expect(form["recall"]?.doubleValue == explanation.recall)
      guard case .array(let parts) = form["parts"] else {
        Issue.record("there are no parts in \(explanation.json)")
        return
      }
      #expect(parts.count == explanation.parts.count)
      for (value, part) in zip(parts, explanation.parts) {
        guard case .object(let written) = value else {
          Issue.record("a part is \(value.json)")
          continue
        }
        #expect(written["place"]?.stringValue == part.place)
        #expect(written["way"]?.stringValue == part.way.rawValue)
        #expect(written["rows"] == .int(Int64(part.rows)))
        #expect(written["scored"] == .int(Int64(part.scored)))
        #expect(written["reason"]?.stringValue == part.reason)
        #expect(written["matches"] == part.matches.map { .int(Int64($0)) })
        #expect(written["effort"] == part.effort.map { .int(Int64($0)) })
      }
    }
    try bed.store.close()
  }

  @Test("is a line for the whole and one for each part")
  func lines() throws {
    let bed = try Self.bed(.hnsw())
    let explanation = try bed.collection.explain([SearchQuery(near: Self.vector, recall: 0.9)])[0]
    #expect(explanation.lines.count == 1 + explanation.parts.count)
    #expect(explanation.lines[0].hasPrefix("10 hits") && explanation.lines[0].contains("0.9"))
    for (line, part) in zip(explanation.lines.dropFirst(), explanation.parts) {
      #expect(line.hasPrefix(part.place) && line.hasSuffix(part.reason))
      #expect(line.contains(part.way.rawValue) && line.contains("\(part.rows)"))
    }
    try bed.store.close()
  }

  @Test("of a search in an empty collection has no parts")
  func empty() throws {
    let bed = try IndexedBed(.cosine, dimension: 3)
    try bed.collection.ensureIndexes([.hnsw()])
    let explanation = try bed.collection.explain([SearchQuery(near: [1, 2, 3])])[0]
    #expect(explanation.parts.isEmpty && explanation.hits == 0)
    try bed.store.close()
  }
}
