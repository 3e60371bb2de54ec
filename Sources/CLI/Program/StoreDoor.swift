import Foundation
import Roost

/// How commands open stores: what the engine says of a missing one is said in the command line's
/// own words.
enum StoreDoor {
  /// Opens a store to read it.
  static func reading(_ path: String) throws -> Store {
    try checkIsThere(path)
    return try opened(path, Store.Options(access: .readOnly))
  }

  /// Opens a store that is there to write it.
  static func writing(_ path: String, _ change: (inout Store.Options) -> Void = { _ in }) throws
    -> Store
  {
    try checkIsThere(path)
    var options = Store.Options(create: false)
    change(&options)
    return try opened(path, options)
  }

  private static func opened(_ path: String, _ options: Store.Options) throws -> Store {
    do {
      return try Store.open(at: path, options: options)
    } catch let error as StoreError where error.code == .notFound {
      throw StoreError(
        .notFound, found: "\(quoted(path)) is a directory without a store in it",
        expected: "the command works on a store",
        remedy: "Check the path, or make a store there with `roost create`")
    }
  }

  /// Throws unless there is a directory.
  static func checkIsThere(_ path: String) throws {
    try checkIsPath(path)
    var isDirectory: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw StoreError(
        .notFound, found: "there is no store at \(quoted(path))",
        expected: "the command works on one that is there",
        remedy: "Check the path, or make a store with `roost create`")
    }
    guard isDirectory.boolValue else {
      throw StoreError(
        .invalidArgument, found: "\(quoted(path)) is a file", expected: "a store is a directory",
        remedy: "Check the path; a file of records becomes part of a store with `roost import`")
    }
  }

  /// Throws unless a store can be where a path leads: a directory, or nothing in a directory.
  static func checkCanBe(_ path: String) throws {
    try checkIsPath(path)
    var isDirectory: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) {
      return try checkIsThere(path)
    }
    let parent = URL(fileURLWithPath: path).deletingLastPathComponent().relativePath
    guard unsafe FileManager.default.fileExists(atPath: parent, isDirectory: &isDirectory) else {
      throw StoreError(
        .notFound, found: "there is no directory \(quoted(parent))",
        expected: "a new store is made in one that is there", remedy: "Make it first")
    }
    guard isDirectory.boolValue else {
      throw StoreError(
        .invalidArgument, found: "\(quoted(parent)) is a file",
        expected: "a new store lies in a directory", remedy: "Check the path")
    }
  }

  /// Throws when a store is named by an address: other stores come with the connectors.
  static func checkIsPath(_ path: String) throws {
    guard !path.contains("://"), !path.hasPrefix("sqlite:") else {
      throw StoreError(
        .unsupported, found: "\(quoted(path)) is the address of another store",
        expected: "this version's commands work on directories", remedy: "Give a directory")
    }
  }
}

extension Store {
  /// A collection that is there.
  func known(_ name: String) throws -> StoreCollection {
    do {
      return try collection(name)
    } catch let error as StoreError where error.code == .notFound {
      let names = try listCollections().map { quoted($0.name) }
      throw StoreError(
        .notFound, found: "there is no collection \(quoted(name))",
        expected: names.isEmpty
          ? "the store has none yet" : "the store has \(names.joined(separator: ", "))",
        remedy: "Check the name, or make it with `roost create` or `roost import`")
    }
  }
}
