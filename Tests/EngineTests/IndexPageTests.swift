import Foundation
import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

@testable import RoostEngine
@testable import RoostIndex

/// The bytes of an index, read by FORMAT.md alone.
private struct PageReader {
  let bytes: [UInt8]
  private(set) var end = 256

  init(_ image: IndexBytes) {
    bytes = unsafe Array(UnsafeRawBufferPointer(start: image.base, count: image.count))
  }

  func u32(_ offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) }
  }

  func u64(_ offset: Int) -> UInt64 { UInt64(u32(offset)) | UInt64(u32(offset + 4)) << 32 }

  func f32(_ offset: Int) -> Float { Float(bitPattern: u32(offset)) }

  func f64(_ offset: Int) -> Double { Double(bitPattern: u64(offset)) }

  /// Where the next section of so many bytes begins; what is before it is 0.
  mutating func section(_ length: Int) -> Int {
    let start = (end + 63) / 64 * 64
    #expect(bytes[end..<start].allSatisfy { $0 == 0 })
    end = start + length
    return start
  }

  func isZero(_ range: Range<Int>) -> Bool { bytes[range].allSatisfy { $0 == 0 } }
}

@Suite("The page of indexes")
struct IndexPageTests {
  /// The chapter "Index" of FORMAT.md.
  private static func chapter() throws -> String {
    let url = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../FORMAT.md")
    let page = try String(contentsOf: url.standardizedFileURL, encoding: .utf8)
    let start = try #require(page.range(of: "\n## Index\n")).upperBound
    return String(page[start...].components(separatedBy: "\n## ")[0])
  }

  private static let names: [RowCoding: String] = [
    .four: "four bits", .seven: "seven bits", .rotated: "four bits after a rotation",
    .numbers: "numbers",
  ]

  @Test("versions, kinds, metrics, codings and lengths on the page are those in the code")
  func constants() throws {
    let page = try Self.chapter()
    func text(_ magic: UInt64) -> String {
      String(decoding: (0..<8).map { UInt8(truncatingIfNeeded: magic >> (8 * $0)) }, as: UTF8.self)
    }
    let codings = RowCoding.allCases.map { "\($0.rawValue) \(Self.names[$0] ?? "")" }
    for (kind, what, magic, version, size) in [
      (VectorIndex.graphKind, "a graph", HNSWImage.magic, HNSWImage.version, HNSWImage.headerSize),
      (
        VectorIndex.listsKind, "lists of rows around middles", ListImage.magic, ListImage.version,
        ListImage.headerSize
      ),
    ] {
      #expect(page.contains("**Kind \(kind)** is \(what). Its image begins with \(size) bytes:"))
      #expect(page.contains(" 0  magic \"\(text(magic))\"   8  u32 version, \(version)   12  u32"))
    }
    let header = "80  u32 coding: " + codings.joined(separator: ", ") + "   84  zeros 4\n"
    #expect(page.components(separatedBy: header).count == 3)
    let metrics = [("l2", IndexMetric.l2), ("inner product", .innerProduct), ("cosine", .cosine)]
    #expect(
      page.contains("metric: " + metrics.map { "\($1.rawValue) \($0)" }.joined(separator: ", ")))
    #expect(RecallCurve.limits == [1, 10, 100])
    #expect(page.contains("for 1, 10 and 100 neighbours f64 mean recall"))
    #expect(CodeWidth.four.maximum == 15 && CodeWidth.seven.maximum == 127)
    #expect(page.contains("where the largest code is 15 or 127"))
  }

  /// The kept numbers of a vector, rotated as the page says.
  private static func rotated(_ vector: [Double], seed: UInt64) -> [Double] {
    var numbers = vector
    let count = numbers.count
    var width = 1
    while 2 * width <= count { width *= 2 }
    var random = SeededStream(seed: seed)
    for round in 0..<4 {
      for index in 0..<count where random.next() >> 63 == 1 { numbers[index].negate() }
      let first = round % 2 == 0 ? 0 : count - width
      var distance = 1
      while distance < width {
        for index in 0..<width where index & distance == 0 {
          let (a, b) = (numbers[first + index], numbers[first + index + distance])
          (numbers[first + index], numbers[first + index + distance]) = (a + b, a - b)
        }
        distance *= 2
      }
      for index in first..<first + width { numbers[index] /= Double(width).squareRoot() }
    }
    return numbers
  }

  @Test(
    "the bytes of a graph and of lists are those on the page, for every quantization",
    arguments: Quantization.allCases, Metric.allCases)
  func bytes(_ quantization: Quantization, _ metric: Metric) throws {
    for method in [VectorIndexSpec.Method.hnsw(m: 5, efConstruction: 20), .ivfFlat(lists: 7)] {
      let dimension = 300
      let records = QuantizationTests.records(dimension)
      let (_, store, _) = try QuantizationTests.store(
        metric, QuantizationTests.spec(quantization, method), records)
      let segment = try #require(store.core.tables.collections.values.first?.segments.first)
      let index = try #require(segment.index?.vectorIndex())
      let rows = try (0..<records.count).map { row in
        let id = try segment.view.reader.id(of: row)
        return try #require(records.first { $0.id == id })
      }
      try Self.expect(index, rows, dimension)
      try store.close()
    }
  }

  private static func expect(
    _ index: VectorIndex, _ records: [Record], _ dimension: Int
  ) throws {
    var isGraph = false
    var page: PageReader
    switch index {
    case .graph(let graph):
      page = PageReader(graph.bytes)
      isGraph = true
    case .lists(let lists): page = PageReader(lists.bytes)
    }
    let count = records.count
    #expect(page.u64(16) == UInt64(count) && page.u64(24) == UInt64(count))
    #expect(page.u32(48) == UInt32(dimension))
    #expect(page.isZero(84..<88) && page.isZero(96..<256))
    let (metric, coding) = (page.u32(12), page.u32(80))
    #expect(metric == UInt32(index.measure.rawValue) && coding == index.coding.rawValue)
    #expect(coding == 3 || page.u64(88) == 0)
    let keptCount = Int(page.u32(60))
    let coded = keptCount == 0 ? dimension : keptCount
    let blocks = (coded + 127) / 128
    let rowBytes = [1: 64 * blocks, 2: 128 * blocks, 3: 64 * blocks, 4: 4 * dimension][coding] ?? 0
    let factBytes = coding == 4 ? 0 : 4
    let (links, lists) = (Int(page.u32(32)) * 2, Int(page.u32(32)))
    if isGraph {
      let start = page.section(4 * links * count)
      for place in 0..<links * count {
        let link = page.u32(start + 4 * place)
        #expect(link < UInt32(count) || link == .max)
      }
    } else {
      #expect(page.isZero(52..<60))
      _ = page.section(4 * dimension * lists)
      _ = page.section(rowBytes * lists)
      let starts = page.section(4 * (lists + 1))
      let places = (0...lists).map { page.u32(starts + 4 * $0) }
      #expect(places == places.sorted() && places[0] == 0 && places[lists] == UInt32(count))
    }
    let codes = page.section(rowBytes * count)
    let rows = page.section(4 * count)
    let lengths = page.section(4 * count)
    let squares = page.section(factBytes * count)
    let misses = page.section(factBytes * count)
    let nodes = page.section(4 * count)
    let kept = page.section(4 * keptCount)
    let keptNumbers = (0..<keptCount).map { Int(page.u32(kept + 4 * $0)) }
    #expect(keptNumbers == Set(keptNumbers).sorted())
    if isGraph {
      let entries = Int(page.u32(52))
      let (entryNodes, entryCodes) = (page.section(4 * entries), page.section(rowBytes * entries))
      for entry in 0..<entries {
        let node = Int(page.u32(entryNodes + 4 * entry))
        #expect(
          page.bytes[entryCodes + entry * rowBytes..<entryCodes + (entry + 1) * rowBytes]
            == page.bytes[codes + node * rowBytes..<codes + (node + 1) * rowBytes])
      }
    }
    let points = Int(page.u32(isGraph ? 56 : 36))
    let curve = page.section(56 * points)
    for (number, point) in index.curve.points.enumerated() {
      #expect(page.u64(curve + 56 * number) == UInt64(point.effort))
      for column in 0..<3 {
        #expect(page.f64(curve + 56 * number + 8 + 16 * column) == point.means[column])
        #expect(page.f64(curve + 56 * number + 16 + 16 * column) == point.errors[column])
      }
    }
    #expect(index.curve.points.count == points)
    #expect((page.end + 63) / 64 * 64 == page.bytes.count)
    #expect(page.isZero(page.end..<page.bytes.count))

    for node in 0..<count {
      let row = Int(page.u32(rows + 4 * node))
      #expect(page.u32(nodes + 4 * row) == UInt32(node))
      let vector = (records[row].vector ?? []).map(Double.init)
      let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
      let inverse = Double(page.f32(lengths + 4 * node))
      #expect(
        length < 1e18 ? abs(inverse * length - (length > 0 ? 1 : 0)) < 1e-4 : inverse < 1e-17)
      // Rows whose squares are no floats have codes that say nothing.
      guard length < 1e18 else { continue }
      let scale = metric == 3 && length > 0 ? 1 / length : 1
      if coding == 4 {
        for place in 0..<dimension {
          let number = Double(page.f32(codes + node * rowBytes + 4 * place))
          #expect(abs(number - vector[place] * scale) <= 1e-5 * max(1, abs(number)))
        }
        continue
      }
      var numbers = keptCount == 0 ? vector : keptNumbers.map { vector[$0] }
      if coding == 3 { numbers = rotated(numbers, seed: page.u64(88)) }
      let range = coding == 2 ? 72 : 64
      let (low, high) = (Double(page.f32(range)), Double(page.f32(range + 4)))
      let largest: Double = coding == 2 ? 127 : 15
      var (sum, missed) = (0.0, 0.0)
      for place in 0..<128 * blocks {
        let block = codes + node * rowBytes + place / 128 * (coding == 2 ? 128 : 64)
        let here = place % 128
        let code =
          coding == 2
          ? page.bytes[block + here]
          : here < 64 ? page.bytes[block + here] & 15 : page.bytes[block + here - 64] >> 4
        guard place < coded else {
          #expect(code == 0)
          continue
        }
        let exact = (numbers[place] * scale - low) * largest / (high - low)
        let held = min(largest, max(0, exact))
        // Computed in floats, and a vector of a thousand times the usual length is off by more.
        #expect(abs(Double(code) - held) <= 0.5 + 1e-3 * max(1, length * scale / 10))
        sum += (Double(code) - largest / 2) * (Double(code) - largest / 2)
        missed += (Double(code) - exact) * (Double(code) - exact)
      }
      #expect(Double(page.f32(squares + 4 * node)) == Double(Float(sum)))
      let miss = Double(page.f32(misses + 4 * node))
      let least = missed.squareRoot()
      #expect(miss == .infinity || miss >= least && miss <= least * 1.001 + 0.01)
      #expect(miss < .infinity || metric == 3 && length == 0 || length > 1e4)
    }
  }
}
