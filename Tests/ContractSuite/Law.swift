public import RoostContract

/// One law of the contract: a sentence, and what shows that a store keeps it.
public struct Law: Sendable, CustomStringConvertible {
  /// A short name that stays, such as `GV-053` or `batch-1001`.
  public let id: String
  /// What every store does.
  public let sentence: String
  /// Throws `LawBroken` when the store does not.
  let show: @Sendable (Trial) async throws -> Void

  init(_ id: String, _ sentence: String, _ show: @escaping @Sendable (Trial) async throws -> Void) {
    self.id = id
    self.sentence = sentence
    self.show = show
  }

  /// The law as a line.
  public var description: String { "\(id): \(sentence)" }

  /// Tries the law on an empty store; throws what was asked, found and expected when it is broken.
  public func run(on subject: some StoreUnderTest) async throws {
    let trial = Trial(subject: subject, store: try await subject.makeStore(), law: self)
    let broken = await outcome(of: trial)
    do {
      try await subject.discard(trial.store)
    } catch {
      // A broken law says more than what came of it at the end.
      throw broken ?? trial.broken("to end the store after the law", "\(error)", "no error")
    }
    if let broken { throw broken }
  }

  /// How the store breaks the law; nil when it keeps it.
  private func outcome(of trial: Trial) async -> LawBroken? {
    do {
      try await show(trial)
      return nil
    } catch let broken as LawBroken {
      return broken
    } catch {
      return trial.broken("to go through the law", "\(error)", "no error")
    }
  }
}

/// A store that claims the contract, as its tests hand it to the suite.
public protocol StoreUnderTest: Sendable {
  /// What to call it in reports.
  var name: String { get }

  /// A store that holds nothing.
  func makeStore() async throws -> any VectorStore

  /// Makes a collection as an older version could have left it, without its optional parts. Only
  /// asked of stores that declare `autoMigrate`.
  func plantOlderCollection(
    in store: any VectorStore, spec: CollectionSpec, hasMetadata: Bool, hasContent: Bool,
    records: [Record]
  ) async throws

  /// Ends a store that `makeStore` made.
  func discard(_ store: any VectorStore) async throws
}

extension StoreUnderTest {
  /// Nothing to end.
  public func discard(_ store: any VectorStore) async throws {}
}

/// A law that a store does not keep: what was asked, what was found, what was expected.
public struct LawBroken: Error, CustomStringConvertible {
  /// The law.
  public let law: Law
  /// The store.
  public let store: String
  /// What was asked of it.
  public let asked: String
  /// What it did.
  public let found: String
  /// What the law says it does.
  public let expected: String

  /// Four lines.
  public var description: String {
    """
    \(store) breaks \(law)
      asked:    \(asked)
      found:    \(found)
      expected: \(expected)
    """
  }
}

/// Every law of the contract.
public enum ContractSuite {
  /// The laws in the order of their chapters.
  public static let laws: [Law] = chapters.flatMap(\.laws)

  /// The laws by chapter.
  public static let chapters: [(title: String, laws: [Law])] = [
    ("Ensuring collections", EnsureLaws.all),
    ("Collections", CollectionLaws.all),
    ("Writes", WriteLaws.all),
    ("Batches", BatchLaws.all),
    ("Ids", IDLaws.all),
    ("Metadata", MetadataLaws.all),
    ("Vectors", VectorLaws.all),
    ("Reads", ReadLaws.all),
    ("Concurrency", ConcurrencyLaws.all),
    ("The truth table", TruthLaws.all),
    ("Filters", FilterLaws.all),
    ("Search", SearchLaws.all),
    ("Indexes", IndexLaws.all),
    ("The upstream cases", UpstreamLaws.all),
    ("Typed records", TypedLaws.all),
  ]
}
