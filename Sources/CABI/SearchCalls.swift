// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation
public import CRoost
internal import RoostContract
internal import RoostEngine
internal import RoostFiles

// Searching, and reading what was found, as C calls it.

@c @implementation
public func roost_search(
  _ collection: OpaquePointer?, _ queryCount: Int, _ queries: UnsafePointer<Float>?, _ k: Int,
  _ options: UnsafePointer<CChar>?, _ hits: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(hits, "hits")
    unsafe hits?.pointee = try search(collection, queryCount, queries, k, options).handle
  }
}

@c @implementation
public func roost_search_arrays(
  _ collection: OpaquePointer?, _ queryCount: Int, _ queries: UnsafePointer<Float>?, _ k: Int,
  _ options: UnsafePointer<CChar>?, _ arrays: UnsafeMutablePointer<roost_arrays>?
) -> roost_status {
  guard let arrays = unsafe arrays else { return nullArgument("arrays").status }
  var found = unsafe roost_arrays()
  var error: UnsafeMutablePointer<CChar>?
  let status = unsafe answer(&error) {
    let (hits, handle) = try unsafe search(collection, queryCount, queries, k, options)
    unsafe found.hits = handle
    unsafe found.query_offsets = UnsafePointer(hits.offsets)
    unsafe found.hit_count = hits.count
    unsafe found.byte_count = hits.byteCount
  }
  unsafe found.error = error
  unsafe arrays.pointee = found
  return status
}

/// Searches, and gives out a handle to what was found.
private func search(
  _ collection: OpaquePointer?, _ queryCount: Int, _ queries: UnsafePointer<Float>?, _ k: Int,
  _ options: UnsafePointer<CChar>?
) throws -> (hits: SearchHits, handle: OpaquePointer) {
  let table = HandleTable.shared
  let collection = try table.collection(collection)
  let vectors = try unsafe VectorBlock(
    queries, count: queryCount, dimension: collection.dimension, "queries")
  let limit = Int(clamping: UInt(bitPattern: k))
  var query = SearchQuery(near: [], limit: limit)
  if let options = unsafe options {
    query = try unsafe KnownOptions.query(options)
    query.limit = limit
  }
  var asked: [SearchQuery] = []
  asked.reserveCapacity(queryCount)
  for index in 0..<queryCount {
    query.vector = vectors[index]
    asked.append(query)
  }
  let hits = try Searching(collection, asked).run()
  return unsafe (hits, try table.add(hits))
}

/// Options that were read before: a program asks with few different ones, and reading them takes as
/// long as a third of a search.
private enum KnownOptions {
  private struct Known {
    let bytes: [UInt8]
    let query: SearchQuery
  }

  /// Those that are asked for most come first.
  private static let known = Monitor<[Known]>([])
  private static let most = 16
  private static let longest = 4_096

  /// A query without a vector that has the options of a text.
  static func query(_ text: CText) throws -> SearchQuery {
    let bytes = unsafe UnsafeRawBufferPointer(start: text, count: roost_shim_length(text))
    let found = known.withLock { known -> SearchQuery? in
      guard
        let place = known.firstIndex(where: { known in
          unsafe known.bytes.count == bytes.count && known.bytes.elementsEqual(bytes)
        })
      else { return nil }
      if place > 0 { known.swapAt(place, place - 1) }
      return known[max(0, place - 1)].query
    }
    if let found { return found }
    guard let options = try unsafe optionalText(text, "options_json") else {
      return SearchQuery(near: [], limit: 1)
    }
    let query = try SearchQuery(near: [], limit: 1, optionsJSON: options)
    if bytes.count <= longest {
      let new = unsafe Known(bytes: Array(bytes), query: query)
      known.withLock { known in
        if known.count == most { known.removeLast() }
        known.append(new)
      }
    }
    return query
  }
}

/// Some queries that are answered together.
private struct Searching {
  private static let system = PosixFileSystem()
  private static let cores = roost_shim_cores()
  /// So many numbers compared are worth a thread.
  private static let worthwhile = 500_000

  private let collection: StoreCollection
  private let queries: [SearchQuery]

  init(_ collection: StoreCollection, _ queries: [SearchQuery]) {
    self.collection = collection
    self.queries = queries
  }

  func run() throws -> SearchHits {
    let start = Self.system.now()
    let parts = try parts()
    let found = parts.count < 2 ? try collection.find(queries) : try find(parts)
    let nanoseconds = Self.system.now() &- start
    // How it was done is told by doing it again, so that telling costs other searches nothing.
    let plans = queries.first?.explain ?? false ? try collection.explain(queries) : []
    return SearchHits(found, threads: parts.count, nanoseconds: nanoseconds, plans)
  }

  /// The queries for each thread.
  private func parts() throws -> [Range<Int>] {
    let allowed = min(Self.cores, queries.first?.threads ?? Self.cores, queries.count)
    guard allowed > 1 else { return [queries.indices] }
    let rows = try collection.count()
    let work = rows.multipliedReportingOverflow(by: collection.dimension)
    let all = work.partialValue.multipliedReportingOverflow(by: queries.count)
    let isHuge = work.overflow || all.overflow
    let count = isHuge ? allowed : min(allowed, all.partialValue / Self.worthwhile)
    guard count > 1 else { return [queries.indices] }
    return (0..<count).map { part in
      queries.count * part / count..<queries.count * (part + 1) / count
    }
  }

  /// Answers all parts on one state of the collection, the first of them here.
  private func find(_ parts: [Range<Int>]) throws -> Findings {
    let reading = try collection.store.snapshot().reading(collection)
    let answers = Monitor<[Result<Findings, any Error>?]>(
      Array(repeating: nil, count: parts.count))
    let queries = queries
    let answer: @Sendable (Int) -> Void = { part in
      let found = Result { try reading.find(Array(queries[parts[part]])) }
      answers.withLock { $0[part] = found }
    }
    var threads: [any RunningThread] = []
    for part in parts.indices.dropFirst() {
      do throws(FileError) {
        threads.append(try Self.system.startThread("roost-search") { answer(part) })
      } catch {
        // No thread can be had; then it is done here.
        answer(part)
      }
    }
    answer(0)
    for thread in threads { thread.join() }
    var all = try reading.find([])
    for part in answers.withLock({ $0 }) {
      if let found = try part?.get() { all.append(found) }
    }
    return all
  }
}

// MARK: - Hits

/// What a search found, as arrays for C; records are read when they are asked for.
///
/// The arrays lie one behind the other, so that a binding can take all of them at once.
// Sendable: nothing changes after it was made.
@safe final class SearchHits: @unchecked Sendable {
  private let found: Findings
  private let threads: Int
  private let nanoseconds: UInt64
  private let plans: [SearchExplanation]
  /// How many hits there are in all.
  let count: Int
  /// How many bytes the arrays have together.
  let byteCount: Int
  let offsets: UnsafeMutablePointer<UInt64>
  let distances: UnsafeMutablePointer<Double>
  let idOffsets: UnsafeMutablePointer<UInt64>
  let ids: UnsafeMutablePointer<CChar>

  init(_ found: Findings, threads: Int, nanoseconds: UInt64, _ plans: [SearchExplanation]) {
    self.found = found
    self.threads = threads
    self.nanoseconds = nanoseconds
    self.plans = plans
    var (count, idBytes) = (0, 0)
    for hits in found.hits {
      count += hits.count
      for hit in hits { idBytes += hit.id.utf8.count + 1 }
    }
    self.count = count
    let queries = found.hits.count
    byteCount = 8 * (queries + 1 + count + count + 1) + idBytes
    let block = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 8)
    unsafe offsets = block.bindMemory(to: UInt64.self, capacity: queries + 1)
    unsafe distances = (block + 8 * (queries + 1)).bindMemory(to: Double.self, capacity: count)
    unsafe idOffsets = (block + 8 * (queries + 1 + count)).bindMemory(
      to: UInt64.self, capacity: count + 1)
    unsafe ids = (block + (byteCount - idBytes)).bindMemory(to: CChar.self, capacity: idBytes)
    var (place, position) = (0, 0)
    unsafe offsets[0] = 0
    unsafe idOffsets[0] = 0
    for (query, hits) in found.hits.enumerated() {
      for hit in hits {
        unsafe distances[place] = hit.distance
        var id = hit.id
        position += id.withUTF8 { bytes in
          if let text = bytes.baseAddress {
            unsafe UnsafeMutableRawPointer(ids + position).copyMemory(
              from: text, byteCount: bytes.count)
          }
          return bytes.count
        }
        unsafe ids[position] = 0
        position += 1
        place += 1
        unsafe idOffsets[place] = UInt64(position)
      }
      unsafe offsets[query + 1] = UInt64(place)
    }
  }

  deinit { unsafe UnsafeMutableRawPointer(offsets).deallocate() }

  /// How many hits a query has.
  func count(of query: Int) -> Int {
    guard found.hits.indices.contains(query) else { return 0 }
    return unsafe Int(offsets[query + 1] - offsets[query])
  }

  /// A hit; nil when there is none.
  func hit(_ query: Int, _ rank: Int) -> Findings.Hit? {
    guard rank >= 0, rank < count(of: query) else { return nil }
    return found.hits[query][rank]
  }

  func score(_ hit: Findings.Hit) -> Double { found.score(hit) }

  /// The record of a hit that is there.
  func record(_ query: Int, _ rank: Int) throws -> Record {
    try found.record(of: query, at: rank)
  }

  /// How the search was done, as JSON.
  var explained: String {
    "{\"queries\":\(found.hits.count),\"hits\":\(count),\"threads\":\(threads)"
      + ",\"nanoseconds\":\(nanoseconds)"
      + (plans.isEmpty ? "}" : ",\"plans\":[\(plans.map(\.json).joined(separator: ","))]}")
  }

  /// Where the id of a hit begins; nil when there is no such hit.
  func id(_ query: Int, _ rank: Int) -> UnsafePointer<CChar>? {
    guard hit(query, rank) != nil else { return nil }
    return unsafe UnsafePointer(ids + Int(idOffsets[Int(offsets[query]) + rank]))
  }
}

@safe private func find(_ hits: OpaquePointer?) -> SearchHits? {
  do {
    return try HandleTable.shared.hits(hits)
  } catch {
    // The functions that ask have no status to say why.
    return nil
  }
}

@c @implementation
public func roost_hits_count(_ hits: OpaquePointer?, _ query: Int) -> Int {
  find(hits)?.count(of: query) ?? 0
}

@c @implementation
public func roost_hits_id(
  _ hits: OpaquePointer?, _ query: Int, _ rank: Int
) -> UnsafePointer<CChar>? {
  unsafe find(hits)?.id(query, rank)
}

@c @implementation
public func roost_hits_distance(_ hits: OpaquePointer?, _ query: Int, _ rank: Int) -> Double {
  find(hits)?.hit(query, rank)?.distance ?? .nan
}

@c @implementation
public func roost_hits_score(_ hits: OpaquePointer?, _ query: Int, _ rank: Int) -> Double {
  guard let hits = find(hits), let hit = hits.hit(query, rank) else { return .nan }
  return hits.score(hit)
}

@c @implementation
public func roost_hits_record(
  _ hits: OpaquePointer?, _ query: Int, _ rank: Int,
  _ record: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(record, "record_json")
    let hits = try HandleTable.shared.hits(hits)
    guard hits.hit(query, rank) != nil else {
      throw StoreError(
        .invalidArgument,
        found: "hit \(UInt(bitPattern: rank)) of query \(UInt(bitPattern: query)) was asked for",
        expected: "that query has \(hits.count(of: query)) hits", remedy: "Ask for one of them")
    }
    try unsafe give(try hits.record(query, rank).json, to: record)
  }
}

@c @implementation
public func roost_hits_explain(
  _ hits: OpaquePointer?, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(json, "json")
    try unsafe give(try HandleTable.shared.hits(hits).explained, to: json)
  }
}

@c @implementation
public func roost_hits_arrays(
  _ hits: OpaquePointer?, _ offsets: UnsafeMutablePointer<UnsafePointer<UInt64>?>?,
  _ distances: UnsafeMutablePointer<UnsafePointer<Double>?>?,
  _ ids: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ idOffsets: UnsafeMutablePointer<UnsafePointer<UInt64>?>?
) {
  let hits = find(hits)
  unsafe offsets?.pointee = unsafe UnsafePointer(hits?.offsets)
  unsafe distances?.pointee = unsafe UnsafePointer(hits?.distances)
  unsafe ids?.pointee = unsafe UnsafePointer(hits?.ids)
  unsafe idOffsets?.pointee = unsafe UnsafePointer(hits?.idOffsets)
}

@c @implementation
public func roost_hits_free(_ hits: OpaquePointer?) { HandleTable.shared.release(hits, .hits) }
