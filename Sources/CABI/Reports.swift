internal import RoostContract
internal import RoostEngine

// What the store tells of itself, as JSON.

extension StoreStatistics {
  /// What the store holds, as JSON.
  var json: String {
    let collections = collections.map { collection in
      Value.object([
        "name": .string(collection.spec.name), "records": .int(Int64(collection.records)),
        "dimension": .int(Int64(collection.spec.dimension)),
        "metric": .string(collection.spec.metric.rawValue),
        "element": .string(collection.spec.element.rawValue),
        "bytes": collection.bytes.map { .int(Int64($0)) } ?? .null,
        "indexes": .array(collection.indexes.map(\.value)),
      ])
    }
    return Value.object([
      "collections": .array(collections), "records": .int(Int64(records)),
    ]).json
  }
}

extension IndexDescription {
  fileprivate var value: Value {
    var form: Metadata = ["name": .string(name), "indexed": .int(Int64(indexed))]
    form["recall"] = recall.map(Value.double) ?? .null
    do {
      form["spec"] = try Value(json: spec.json)
    } catch {
      // What prints as JSON reads as JSON; a report is not worth failing for.
      form["spec"] = .string(spec.json)
    }
    return .object(form)
  }
}

extension HealthStatus {
  /// How the store is doing, as JSON.
  var json: String {
    let (seconds, attoseconds) = latency.components
    let nanoseconds = seconds &* 1_000_000_000 &+ attoseconds / 1_000_000_000
    return Value.object([
      "state": .string(state.rawValue), "store": .string(store),
      "latency_ns": .int(nanoseconds), "details": .object(details),
      "error": error.map(Value.string) ?? .null,
    ]).json
  }
}

/// How a store is looked over.
struct CheckOptions {
  /// Whether every byte is read.
  private(set) var isFull = false

  /// Reads the JSON form: `{"full":true}`.
  init(json text: String) throws {
    for (name, value) in try Metadata(json: text) {
      guard name == "full", case .bool(let flag) = value else {
        throw StoreError(
          .invalidArgument, found: "check option \(quoted(name)) is \(value.json)",
          expected: "full is true or false, and there is no other", remedy: "Correct the options")
      }
      isFull = flag
    }
  }
}
