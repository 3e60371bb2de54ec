import RoostContract

/// One law on one empty store: the small language in which laws are written.
struct Trial: Sendable {
  let subject: any StoreUnderTest
  let store: any VectorStore
  let law: Law

  var capabilities: Capabilities { store.capabilities }

  // MARK: What a law expects

  /// The two values are equal.
  func expect<T: Equatable>(
    _ asked: @autoclosure () -> String, _ found: T, equals expected: T
  ) throws {
    guard found != expected else { return }
    throw broken(asked(), "\(found)", "\(expected)")
  }

  /// The condition holds; `expected` says which, and `found` what is the case instead.
  func expect(
    _ asked: @autoclosure () -> String, _ holds: Bool, found: @autoclosure () -> String,
    expected: @autoclosure () -> String
  ) throws {
    guard !holds else { return }
    throw broken(asked(), found(), expected())
  }

  /// The call is refused with one of these codes, two facts and a remedy.
  @discardableResult
  func expectRefusal(
    _ codes: StoreError.Code..., of asked: String,
    by call: () async throws -> Void
  ) async throws -> StoreError {
    let wanted = codes.map(\.rawValue).joined(separator: " or ")
    do {
      try await call()
    } catch let error as StoreError {
      guard codes.contains(error.code) else { throw broken(asked, "\(error)", "\(wanted)") }
      guard !error.found.isEmpty, !error.expected.isEmpty, !error.remedy.isEmpty else {
        throw broken(asked, "\(error)", "an error with two facts and a remedy")
      }
      return error
    } catch {
      throw broken(asked, "\(type(of: error)): \(error)", "a StoreError of code \(wanted)")
    }
    throw broken(asked, "no error", "\(wanted)")
  }

  /// The refusal's message names something.
  func expectMessage(of error: StoreError, toName part: String) throws {
    try expect(
      "for the error to name \(part)", error.message.contains(part), found: error.message,
      expected: "a message with \(part)")
  }

  func broken(_ asked: String, _ found: String, _ expected: String) -> LawBroken {
    LawBroken(law: law, store: subject.name, asked: asked, found: found, expected: expected)
  }

  // MARK: What a law works with

  /// A new collection of some shape; where the store lacks the dimension or the metric, its refusal
  /// is shown instead and there is no collection.
  func collection(
    _ name: String = "laws", dimension: Int = 2, metric: Metric = .cosine
  ) async throws -> (any VectorCollection)? {
    let spec = CollectionSpec(name: name, dimension: dimension, metric: metric)
    guard dimension <= capabilities.dimensionMax else {
      try await expectRefusal(.tooLarge, of: "a collection of dimension \(dimension)") {
        _ = try await store.ensureCollection(spec)
      }
      return nil
    }
    guard capabilities.metrics.contains(metric) else {
      try await expectRefusal(.unsupported, of: "a collection of metric \(metric.rawValue)") {
        _ = try await store.ensureCollection(spec)
      }
      return nil
    }
    return try await store.ensureCollection(spec)
  }

  /// The first metric the store has, where a law is about something else.
  var anyMetric: Metric {
    Metric.allCases.first { capabilities.metrics.contains($0) } ?? .cosine
  }

  /// A new collection of the first metric that the store has.
  func anyCollection(
    _ name: String = "laws", dimension: Int = 2
  ) async throws -> any VectorCollection {
    try await store.ensureCollection(
      CollectionSpec(name: name, dimension: dimension, metric: anyMetric))
  }

  /// Shows that a missing feature is refused as declared; whether the feature is there.
  func has(
    _ feature: Capabilities.Feature, orRefuses call: () async throws -> Void
  ) async throws -> Bool {
    if capabilities.features.contains(feature) { return true }
    try await expectRefusal(.unsupported, of: feature.rawValue, by: call)
    return false
  }
}
