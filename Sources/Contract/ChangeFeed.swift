/// A store that tells others what changed in it, in order, without gaps.
public protocol ChangeFeed: Sendable {
  /// The changes after a position, and then each as it comes; nil starts at the oldest one kept.
  ///
  /// A position that is no longer kept is `.notFound`: the reader has to copy the store anew.
  func changes(after position: ChangePosition?) -> AsyncThrowingStream<ChangeBatch, any Error>

  /// Where the feed stands now.
  func currentPosition() async throws -> ChangePosition
}

/// A place in a change feed, to be kept and given back; what it holds is the store's own affair.
public struct ChangePosition: Sendable, Hashable {
  /// The bytes of the place.
  public var token: [UInt8]

  /// A place by its bytes.
  public init(token: [UInt8]) { self.token = token }
}

/// What one write changed: all of it is applied, or none.
public struct ChangeBatch: Sendable, Equatable {
  /// The place just after this batch.
  public var position: ChangePosition
  /// The changes, in order.
  public var changes: [Change]

  /// Makes a batch.
  public init(position: ChangePosition, changes: [Change]) {
    self.position = position
    self.changes = changes
  }
}

/// One change, as its effect and never as the question that led to it.
public enum Change: Sendable, Equatable {
  /// A collection came to be.
  case createCollection(CollectionSpec)
  /// A collection is gone, with all its records.
  case dropCollection(name: String)
  /// A record has become this.
  case put(collection: String, Record)
  /// A record is gone.
  case delete(collection: String, id: String)
}
