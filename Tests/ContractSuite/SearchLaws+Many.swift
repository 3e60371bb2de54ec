import RoostContract

// Searches over many records: batches, options, and filters of every share.
extension SearchLaws {
  private static func clustered(
    _ trial: Trial, _ metric: Metric, _ data: SearchData
  ) async throws -> (any VectorCollection)? {
    let collection = try await trial.collection(
      "many-\(metric)", dimension: SearchData.dimension, metric: metric)
    try await collection?.insert(data.records)
    return collection
  }

  // MARK: Batches

  static let batches: [Law] = [
    Law("search-batch", "a batch of searches answers each as if it were asked alone, in order") {
      trial in
      let data = SearchData(seed: 11)
      for metric in Metric.allCases {
        guard let collection = try await clustered(trial, metric, data) else { continue }
        let queries = data.queries.flatMap { query in
          [
            SearchQuery(near: query, limit: 3),
            SearchQuery(near: query, limit: 7, where: .eq("cluster", 4), projection: .everything),
            SearchQuery(near: query, limit: 20, where: .lt("part", 9), projection: .id),
            SearchQuery(near: query, limit: 5, maximumDistance: 1, exact: true),
          ]
        }
        let together = try await collection.search(queries)
        try trial.expect("how many answers", together.count, equals: queries.count)
        for (query, hits) in zip(queries, together) {
          let alone = try await collection.search(query)
          try trial.expect("the records", hits.map(\.record), equals: alone.map(\.record))
          let isNear = zip(hits, alone).allSatisfy { Trial.isNear($0.distance, $1.distance) }
          try trial.expect(
            "the distances", isNear, found: "\(hits.map(\.distance))",
            expected: "\(alone.map(\.distance))")
        }
      }
    },
    Law("search-batch-empty", "an empty batch of searches has no answers") { trial in
      let collection = try await trial.anyCollection()
      try trial.expect("no queries", try await collection.search([]).count, equals: 0)
    },
    Law("search-batch-refused", "one bad query refuses the whole batch") { trial in
      let collection = try await trial.anyCollection()
      let good = SearchQuery(near: [1, 0])
      for (asked, bad, code) in [
        ("a bad limit", SearchQuery(near: [1, 0], limit: 0), .invalidArgument),
        ("a bad dimension", SearchQuery(near: [1]), .dimensionMismatch),
        ("a bad filter", SearchQuery(near: [1, 0], where: .or([])), StoreError.Code.invalidFilter),
      ] {
        try await trial.expectRefusal(code, of: asked) {
          _ = try await collection.search([good, good, bad, good])
        }
      }
    },
    // Goal: every answer of a batch is of one state. Method: a writer moves all records from one
    // content to the next, each time in one write; the answers of a batch must show one content.
    Law("search-batch-one-state", "a batch is answered on one state, whatever is written meanwhile")
    { trial in
      let collection = try await trial.anyCollection()
      let write: @Sendable (Int) async throws -> Void = { version in
        try await collection.upsert(
          (0..<20).map {
            Record(id: "r\($0)", vector: [1, Float($0)], content: "version \(version)")
          })
      }
      try await write(0)
      let batch = [SearchQuery](repeating: SearchQuery(near: [1, 0], limit: 20), count: 8)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { for version in 1...40 { try await write(version) } }
        group.addTask {
          for _ in 0..<40 {
            let answers = try await collection.search(batch)
            let contents = Set(answers.joined().map { $0.record.content ?? "none" })
            try trial.expect(
              "the contents of a batch", contents.count == 1, found: "\(contents.sorted())",
              expected: "one version")
            try trial.expect(
              "how many", answers.map(\.count), equals: .init(repeating: 20, count: 8))
          }
        }
        try await group.waitForAll()
      }
    },
  ]

  // MARK: Options

  static let options: [Law] = [
    refused("search-recall-effort", "recall and a fixed effort together are refused") {
      $0.recall = 0.9
      $0.effort = 40
    },
    refused("search-recall-zero", "recall 0 is refused") { $0.recall = 0 },
    refused("search-recall-negative", "a negative recall is refused") { $0.recall = -0.5 },
    refused("search-recall-past", "recall past 1 is refused") { $0.recall = 1.5 },
    refused("search-recall-nan", "recall NaN is refused") { $0.recall = .nan },
    refused("search-effort-zero", "effort 0 is refused") { $0.effort = 0 },
    refused("search-effort-negative", "a negative effort is refused") { $0.effort = -1 },
    refused("search-threads-zero", "0 threads are refused") { $0.threads = 0 },
    refused("search-threads-negative", "a negative number of threads is refused") {
      $0.threads = -4
    },
    refused("search-exact-effort-zero", "an exact search is checked as any other") {
      $0.exact = true
      $0.effort = 0
    },
    allowed("search-exact", "an exact search finds the true neighbours") { $0.exact = true },
    allowed("search-recall-one", "a search for all true neighbours finds them") { $0.recall = 1 },
    allowed("search-threads", "the number of threads does not change the answer") {
      $0.threads = 2
    },
    allowed("search-explain", "to tell how it was done does not change the answer") {
      $0.explain = true
    },
    allowed("search-effort", "without an index the effort does not change the answer") {
      $0.effort = 1
    },
  ]

  private static func refused(
    _ id: String, _ sentence: String, _ change: @escaping @Sendable (inout SearchQuery) -> Void
  ) -> Law {
    Law(id, sentence) { trial in
      let collection = try await trial.anyCollection()
      var query = SearchQuery(near: [1, 0])
      change(&query)
      try await trial.expectRefusal(.invalidArgument, of: "\(query)") {
        _ = try await collection.search(query)
      }
    }
  }

  private static func allowed(
    _ id: String, _ sentence: String, _ change: @escaping @Sendable (inout SearchQuery) -> Void
  ) -> Law {
    Law(id, sentence) { trial in
      let data = SearchData(seed: 5)
      guard let collection = try await clustered(trial, trial.anyMetric, data) else { return }
      for vector in data.queries {
        var query = SearchQuery(near: vector, limit: 25)
        change(&query)
        try trial.expectNearest(
          "\(query)", try await collection.search(query), of: data.records, to: vector, limit: 25,
          by: trial.anyMetric)
      }
    }
  }

  // MARK: Filters of every share

  static let filtered: [Law] = Metric.allCases.flatMap { metric in
    SearchData.picks.map { pick in
      let share = pick.name.filter { !",%".contains($0) }.split(separator: " ")
      return Law(
        "search-filtered-\(metric.rawValue)-\(share.joined(separator: "-"))",
        "a search by \(metric.rawValue) finds min(k, matches) records, the true nearest,"
          + " of those that match: \(pick.name)"
      ) { trial in
        let data = SearchData(seed: 2026)
        guard let collection = try await clustered(trial, metric, data) else { return }
        let matching = data.records.filter(pick.includes)
        for limit in [1, 10, 299, 300, 301] {
          for vector in data.queries {
            for exact in [false, true] {
              let query = SearchQuery(near: vector, limit: limit, where: pick.filter, exact: exact)
              let asked = "\(limit) of \(matching.count), exact \(exact), seed 2026"
              guard limit <= trial.capabilities.limitMax else {
                try await trial.expectRefusal(.tooLarge, of: asked) {
                  _ = try await collection.search(query)
                }
                continue
              }
              try trial.expectNearest(
                asked, try await collection.search(query), of: matching, to: vector, limit: limit,
                by: metric)
            }
          }
        }
      }
    }
  }
}
