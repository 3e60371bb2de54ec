import Foundation
import RoostContract
import RoostFiles
import RoostKernels
import RoostStorage
import Testing

@Suite("The page of files")
struct FormatPageTests {
  /// The lines of a chapter of FORMAT.md.
  private static func chapter(_ name: String) throws -> [String] {
    let url = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../FORMAT.md")
    let lines = try String(contentsOf: url.standardizedFileURL, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex(of: "## " + name), "\(name)")
    return Array(lines[(start + 1)...].prefix { !$0.hasPrefix("## ") })
  }

  /// The cells of the rows of a chapter that begin with `first`.
  private static func rows(_ name: String, beginning first: String) throws -> [[String]] {
    try chapter(name).filter { $0.hasPrefix("| \(first) |") }.map { line in
      line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
  }

  @Test(
    "a limit on the page is the limit in the code",
    arguments: [
      (
        "Conventions", "LSNs, generations, numbers of logs, files and collections are below",
        Int(LogFormat.numberMax)
      ),
      (
        "Directory", "generations that are kept besides the manifest",
        Int(ManifestFormat.generationsKept)
      ),
      ("Manifest", "bytes of a manifest before its body", ManifestFormat.headerSize),
      ("Manifest", "bytes of a manifest", ManifestFormat.sizeMax),
      ("Log", "bytes of a log before its first record", LogFormat.headerBlock),
      ("Log", "bytes of that block which say something", LogFormat.headerSize),
      ("Log", "bytes of a record before its payload", LogFormat.recordHeaderSize),
      ("Log", "bytes of the longest payload", LogFormat.payloadMax),
      ("STATE", "bytes of STATE", StateHint.size),
      ("Segment", "what sections and the directory begin at multiples of", SegmentFormat.page),
      (
        "Segment", "what rows of vectors begin at multiples of, counted from their section",
        SegmentFormat.row
      ),
      ("Segment", "bytes of the file with a hash of their own", SegmentFormat.block),
      ("Segment", "rows of a segment", SegmentFormat.rowsMax),
      ("Segment", "bytes of an id", Limits.idBytesMax),
      ("Segment", "bytes at which a block of payload ends", SegmentFormat.payloadBlock),
      (
        "Segment", "bytes of metadata and content of a row", SegmentFormat.payloadBytesMax
      ),
      ("Segment", "columns of a segment", SegmentFormat.columnsMax),
      ("Segment", "names of a column's path", SegmentFormat.pathSegmentsMax),
      ("Segment", "bytes of a column's path", SegmentFormat.pathBytesMax),
      ("Segment", "bytes of a form in a dictionary", SegmentFormat.valueBytesMax),
      ("Index", "bytes before the image", IndexFormat.page),
      ("Index", "bytes of an index with a hash of their own", IndexFormat.block),
    ])
  func limits(_ chapter: String, _ rule: String, _ limit: Int) throws {
    #expect(try Self.rows(chapter, beginning: rule) == [[rule, String(limit)]])
  }

  @Test(
    "the first bytes of a file are those on the page",
    arguments: [
      ("log", LogFormat.magic), ("manifest", ManifestFormat.magic), ("STATE", StateHint.magic),
      ("segment", SegmentFormat.magic), ("end of a segment", SegmentFormat.footerMagic),
      ("index", IndexFormat.magic), ("end of an index", IndexFormat.footerMagic),
    ])
  func magic(_ file: String, _ magic: [UInt8]) throws {
    let hex = magic.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    #expect(try Self.rows("Conventions", beginning: file) == [[file, "`\(hex)`"]])
  }

  @Test("tags and types on the page are those in the code")
  func tags() throws {
    func names(_ chapter: String, _ tag: UInt8) throws -> [String] {
      try Self.rows(chapter, beginning: String(tag)).map { $0[1] }
    }
    for type in RecordType.allCases {
      #expect(try names("Log", type.rawValue) == ["\(type)"])
    }
    for tag in 0...20 as ClosedRange<UInt8> {
      let known =
        [OperationTag(rawValue: tag).map { "\($0)" }, ValueTag(rawValue: tag).map { "\($0)" }]
        .compactMap { $0 }
      #expect(try names("Commits", tag) == known)
    }
    for section in SectionKind.allCases {
      #expect(try names("Segment", UInt8(section.rawValue)) == ["\(section)"])
    }
    #expect(RecordType.ignorable == 128)
    #expect(try Self.chapter("Log").joined(separator: " ").contains("A type from 128 on"))
  }

  @Test("codes on the page are those in the code")
  func codes() throws {
    for code in 0...9 as ClosedRange<UInt8> {
      func cell(_ name: String?) -> String { name.map { "`\($0)`" } ?? "" }
      let mode = CollectionSpec.Mode.allCases.first { $0.code == code }?.rawValue
      let expected = [
        String(code), cell(Metric.allCases.first { $0.code == code }?.rawValue),
        cell(ElementType.allCases.first { $0.code == code }?.rawValue),
        code == 0 ? "none" : cell(mode),
      ]
      let isKnown = expected.dropFirst().contains { !$0.isEmpty }
      #expect(
        try Self.rows("Manifest", beginning: String(code)) == (isKnown ? [expected] : []))
    }
  }

  @Test("files on the page are those in the code")
  func files() throws {
    let all: [FileName] = [
      .lock, .manifest, .oldManifest(7), .log(7), .segment(7), .index(7), .state, .reserve,
      .temporary(7),
    ]
    let number = "0000000000000007"
    for file in all {
      let name = file.name.replacingOccurrences(of: number, with: "N")
      #expect(try Self.rows("Directory", beginning: "`\(name)`").count == 1, "\(name)")
    }
    #expect(try Self.chapter("Directory").count { $0.hasPrefix("| `") } == all.count)
  }

  @Test("the examples of checksums are right")
  func checksums() throws {
    let crc = String(Checksum.crc32c(Array("123456789".utf8)), radix: 16)
    #expect(try Self.chapter("Checksums").joined().contains("`123456789` is \(crc)."))
    let examples: [(String, [UInt8], UInt64)] = [
      ("none", [], 0), ("`a`", Array("a".utf8), 0), ("`123456789`", Array("123456789".utf8), 1),
      ("00 01 02 … fe", Array(0...0xFE), .max),
    ]
    for (name, bytes, seed) in examples {
      let hash = String(Checksum.hash64(bytes, seed: seed), radix: 16)
      #expect(
        try Self.rows("Checksums", beginning: name)
          == [[name, String(seed, radix: 16), "`\(hash)`"]])
    }
  }
}
