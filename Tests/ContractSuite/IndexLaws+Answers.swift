import RoostContract
import Synchronization

// Indexes in lists, their end, and the answers of searches that may use them.
extension IndexLaws {
  // MARK: Several at once

  static let lists: [Law] = [
    law("index-list", "a list of indexes is ensured in its order, and told by name", .hnsw) {
      trial, collection in
      let outcomes = try await collection.ensureIndexes([
        .hnsw(name: "b", m: 8), .hnsw(name: "a", m: 9), .hnsw(name: "c", m: 10),
      ])
      try trial.expect(
        "the outcomes", outcomes,
        equals: ["b", "a", "c"].map { IndexOutcome(name: $0, action: .created) })
      let again = try await collection.ensureIndexes([
        .hnsw(name: "c", m: 10), .hnsw(name: "b", m: 11), .hnsw(name: "d"),
      ])
      try trial.expect(
        "the outcomes of the next list", again,
        equals: [
          IndexOutcome(name: "c", action: .unchanged), IndexOutcome(name: "b", action: .rebuilt),
          IndexOutcome(name: "d", action: .created),
        ])
      try trial.expect(
        "the names", try await collection.indexes().map(\.name), equals: ["a", "b", "c", "d"])
    },
    Law("index-list-refused", "one refused index refuses the list, and none of it is made") {
      trial in
      let collection = try await collection(trial)
      for bad: IndexSpec in [.hnsw(name: "z", m: 1), .ivfFlat(name: "z", lists: -1)] {
        for specs in [
          [.hnsw(name: "a"), .hnsw(name: "b"), bad], [bad, .hnsw(name: "a")],
          [.metadata(name: "m"), bad], [.ivfFlat(name: "i"), bad, .metadata(name: "m")],
        ] {
          try await trial.expectRefusal(.invalidArgument, .unsupported, of: "\(specs)") {
            _ = try await collection.ensureIndexes(specs)
          }
          try await expect(trial, collection, has: [])
        }
      }
    },
    law("index-list-refused-rebuild", "a refused list builds nothing anew either", .hnsw) {
      trial, collection in
      _ = try await collection.ensureIndex(.hnsw(name: "a", m: 8))
      try await trial.expectRefusal(.invalidArgument, of: "another a, and a bad b") {
        _ = try await collection.ensureIndexes([.hnsw(name: "a", m: 9), .hnsw(name: "b", m: 101)])
      }
      let told = Told("a", .hnsw(m: 8, efConstruction: 64), trial.anyMetric)
      try await expect(trial, collection, has: [told])
    },
    law("index-progress", "who asks is told how far the building is, to its end", .hnsw) {
      trial, collection in
      let told = Mutex<[Progress]>([])
      _ = try await collection.ensureIndex(.hnsw()) { progress in
        told.withLock { $0.append(progress) }
      }
      let all = told.withLock { $0 }
      try trial.expect(
        "to be told of the end", all.last?.fraction == 1, found: "\(all)",
        expected: "a last progress of 1")
      for progress in all {
        try trial.expect(
          "for what is done", (0...1).contains(progress.fraction) && !progress.phase.isEmpty,
          found: "\(progress)", expected: "a phase, and a share in 0…1")
      }
    },
    law("index-covers", "an index tells of no more records than there are", .hnsw) {
      trial, collection in
      _ = try await collection.ensureIndex(.hnsw())
      let indexed = try await collection.indexes().map(\.indexed)
      try trial.expect(
        "after building", indexed.allSatisfy { (0...10).contains($0) }, found: "\(indexed)",
        expected: "0…10")
    },
  ]

  // MARK: The end of an index

  static let removed: [Law] = [
    law("index-drop", "a dropped index is gone, and can be made again", .hnsw) {
      trial, collection in
      _ = try await collection.ensureIndexes([.hnsw(name: "a"), .hnsw(name: "b")])
      try trial.expect("to drop a", try await collection.dropIndex("a"), equals: true)
      try trial.expect("to drop a again", try await collection.dropIndex("a"), equals: false)
      try trial.expect("the rest", try await collection.indexes().map(\.name), equals: ["b"])
      try await expect(trial, collection, ensures: .hnsw(name: "a", m: 8), "a", .created)
    },
    Law("index-drop-missing", "to drop an index that is not there is false, and no error") {
      trial in
      let collection = try await collection(trial)
      for name in ["nobody", "", "idx_laws_vector_hnsw", "laws"] {
        try trial.expect("\(name)", try await collection.dropIndex(name), equals: false)
      }
      try trial.expect("the records", try await collection.count(), equals: 10)
    },
    law("index-drop-exact-name", "an index is dropped by its own name alone, in every byte", .hnsw)
    { trial, collection in
      _ = try await collection.ensureIndex(.hnsw(name: "mine"))
      for name in ["MINE", "mine ", " mine", "min"] {
        try trial.expect("\(name)", try await collection.dropIndex(name), equals: false)
      }
      try trial.expect("mine", try await collection.dropIndex("mine"), equals: true)
    },
    law("index-drop-collection", "with its collection an index is gone", .hnsw) {
      trial, collection in
      _ = try await collection.ensureIndex(.hnsw(name: "it"))
      try await trial.store.dropCollection("laws")
      let anew = try await trial.anyCollection()
      try await expect(trial, anew, has: [])
      try await expect(trial, anew, ensures: .hnsw(name: "it"), "it", .created)
    },
    Law("index-no-collection", "indexes of a collection that is not there are not found") { trial in
      let ghost = trial.store.collection("ghost", dimension: 2, metric: trial.anyMetric)
      try await trial.expectRefusal(.notFound, of: "to list") { _ = try await ghost.indexes() }
      try await trial.expectRefusal(.notFound, of: "to drop") {
        _ = try await ghost.dropIndex("it")
      }
      for method in trial.capabilities.indexMethods.sorted(by: { $0.rawValue < $1.rawValue }) {
        try await trial.expectRefusal(.notFound, of: "to ensure") {
          _ = try await ghost.ensureIndex(plain(method))
        }
      }
    },
  ]

  // MARK: Answers

  private static let limits = [1, 10, 120, 299, 300, 301]

  /// The clustered records under a metric, with an index of a method; nil where the store lacks one
  /// of the two, and its refusal was shown.
  private static func indexed(
    _ trial: Trial, _ method: IndexMethod, _ metric: Metric, _ data: SearchData
  ) async throws -> (any VectorCollection)? {
    let collection = try await trial.collection(
      "indexed", dimension: SearchData.dimension, metric: metric)
    guard let collection else { return nil }
    try await collection.insert(data.records)
    guard trial.capabilities.indexMethods.contains(method) else {
      try await trial.expectRefusal(.unsupported, of: method.rawValue) {
        _ = try await collection.ensureIndex(plain(method))
      }
      return nil
    }
    _ = try await collection.ensureIndex(
      method == .hnsw ? .hnsw(m: 8, efConstruction: 64) : .ivfFlat(lists: 12))
    return collection
  }

  private static func perMethod(
    _ id: String, _ sentence: String, metrics: [Metric] = Metric.allCases,
    _ show:
      @escaping @Sendable (Trial, any VectorCollection, SearchData, Metric) async throws
      -> Void
  ) -> [Law] {
    IndexMethod.allCases.flatMap { method in
      metrics.map { metric in
        Law(
          "\(id)-\(method.rawValue)-\(metric.rawValue)",
          "\(sentence), with \(method.rawValue) by \(metric.rawValue)"
        ) { trial in
          let data = SearchData(seed: 7)
          guard let collection = try await indexed(trial, method, metric, data) else { return }
          try await show(trial, collection, data, metric)
        }
      }
    }
  }

  static let answers: [Law] =
    perMethod("index-exact", "an exact search passes the index by") {
      trial, collection, data, metric in
      for vector in data.queries {
        for limit in limits where limit <= trial.capabilities.limitMax {
          let query = SearchQuery(near: vector, limit: limit, exact: true)
          try trial.expectNearest(
            "\(limit), seed 7", try await collection.search(query), of: data.records, to: vector,
            limit: limit, by: metric)
        }
      }
    }
    + perMethod("index-sound", "a search finds as many records as without an index") {
      trial, collection, data, metric in
      for vector in data.queries {
        for limit in limits where limit <= trial.capabilities.limitMax {
          try trial.expectSound(
            "\(limit), seed 7", try await collection.search(near: vector, limit: limit),
            of: data.records, to: vector, limit: limit, by: metric)
        }
      }
    }
    + perMethod("index-recall", "a search for all true neighbours finds them") {
      trial, collection, data, metric in
      for vector in data.queries {
        let query = SearchQuery(near: vector, limit: 10, recall: 1)
        try trial.expectNearest(
          "recall 1, seed 7", try await collection.search(query), of: data.records, to: vector,
          limit: 10, by: metric)
      }
    }
    + perMethod("index-filtered", "a filtered search finds min(k, matches) records") {
      trial, collection, data, metric in
      for pick in SearchData.picks {
        let matching = data.records.filter(pick.includes)
        for vector in data.queries {
          for limit in limits where limit <= trial.capabilities.limitMax {
            var query = SearchQuery(near: vector, limit: limit, where: pick.filter)
            try trial.expectSound(
              "\(limit) of \(pick.name), seed 7", try await collection.search(query),
              of: matching, to: vector, limit: limit, by: metric)
            query.exact = true
            try trial.expectNearest(
              "\(limit) of \(pick.name), exactly, seed 7", try await collection.search(query),
              of: matching, to: vector, limit: limit, by: metric)
          }
        }
      }
    }
    + perMethod("index-writes", "a search sees every write at once", metrics: [.cosine, .l2]) {
      trial, collection, data, metric in
      // Far from all others, and then the nearest of its query.
      let place: [Float] = [-90, 80, -70, 60, -50, 40, -30, 20]
      let elsewhere = place.map { -$0 }
      func expectNearest(_ asked: String, _ id: String, isNearest: Bool) async throws {
        let hits = try await collection.search(near: place, limit: 1)
        try trial.expect(asked, hits.map { $0.record.id == id }, equals: [isNearest])
      }
      try await expectNearest("before", "new", isNearest: false)
      try await collection.insert([Record(id: "new", vector: place)])
      try await expectNearest("inserted", "new", isNearest: true)
      try await collection.upsert([Record(id: "new", vector: elsewhere)])
      try await expectNearest("moved away", "new", isNearest: false)
      try await collection.upsert([Record(id: "new", vector: place)])
      try await expectNearest("moved back", "new", isNearest: true)
      try await collection.delete(["new"])
      try await expectNearest("deleted", "new", isNearest: false)
      // And in numbers: half of the records go, and come back.
      let half = data.records.prefix(150).map(\.id)
      try await collection.delete(half)
      try trial.expectSound(
        "half of them", try await collection.search(near: place, limit: 50),
        of: Array(data.records.dropFirst(150)), to: place, limit: 50, by: metric)
      try await collection.insert(Array(data.records.prefix(150)))
      try trial.expectSound(
        "all of them", try await collection.search(near: place, limit: 50), of: data.records,
        to: place, limit: 50, by: metric)
      try trial.expect("the indexes", try await collection.indexes().count, equals: 1)
    }
    + perMethod("index-emptied", "an index outlives the last record", metrics: [.l2]) {
      trial, collection, data, metric in
      try await collection.delete(data.records.map(\.id))
      let none = try await collection.search(near: data.queries[0])
      try trial.expect("of none", none.count, equals: 0)
      try await collection.insert(data.records)
      try trial.expectSound(
        "of all again", try await collection.search(near: data.queries[0]), of: data.records,
        to: data.queries[0], limit: 10, by: metric)
    }
    + perMethod("index-batch", "a batch of searches is answered as they are alone") {
      trial, collection, data, _ in
      let queries = data.queries.map {
        SearchQuery(near: $0, limit: 10, projection: .everything, exact: true)
      }
      let together = try await collection.search(queries)
      for (query, hits) in zip(queries, together) {
        let alone = try await collection.search(query)
        try trial.expect("the records", hits.map(\.record), equals: alone.map(\.record))
      }
    }
    + [
      law("index-foreign-answers", "an index of another metric changes no answer", .hnsw) {
        trial, collection in
        let before = try await collection.search(near: [1, 3]).map(\.record.id)
        for metric in Metric.allCases
        where trial.capabilities.metrics.contains(metric)
          && trial.capabilities.features.contains(.foreignMetricIndexes)
        {
          _ = try await collection.ensureIndex(.hnsw(name: "by-\(metric)", metric: metric))
        }
        let after = try await collection.search(near: [1, 3]).map(\.record.id)
        try trial.expect("the hits", after, equals: before)
      },
      law("index-empty-collection", "an index may come before the first record", .hnsw) {
        trial, _ in
        let collection = try await trial.anyCollection("empty")
        try await expect(trial, collection, ensures: .hnsw(name: "it"), "it", .created)
        try trial.expect(
          "nothing", try await collection.search(near: [1, 0]).count, equals: 0)
        try await collection.insert([Record(id: "a", vector: [1, 0])])
        let hits = try await collection.search(near: [1, 0])
        try trial.expect("the first", hits.map(\.record.id), equals: ["a"])
      },
    ]
}
