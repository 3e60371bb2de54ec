import RoostBridges
import RoostContract
import Testing

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

private struct Event: VectorRecord, Equatable {
  var id: UUID
  var created: Date
  var price: Decimal
  var page: URL
  var picture: Data
  var dates: [Date?]
  var named: [String: Decimal]
  var vector: [Float]

  enum Fields {
    static let id = Field<UUID>(CodingKeys.id)
    static let created = Field<Date>(CodingKeys.created)
    static let price = Field<Decimal>(CodingKeys.price)
    static let page = Field<URL>(CodingKeys.page)
  }
}

@Suite("Foundation's types as values")
struct FoundationValueTests {
  @Test("a record of Foundation's types comes back")
  func record() throws {
    let event = Event(
      id: UUID(), created: Date(timeIntervalSinceReferenceDate: 7e8 + 0.1),
      price: try #require(Decimal(string: "12.30")),
      page: try #require(URL(string: "https://example.org/a?b=c#d")), picture: Data([0, 255, 7]),
      dates: [nil, .distantPast], named: ["a": 1], vector: [1, 2])
    let record = try Record(encoding: event)
    #expect(record.id == event.id.uuidString)
    #expect(record.metadata?["created"] == .double(7e8 + 0.1))
    #expect(record.metadata?["picture"] == "AP8H")
    #expect(record.metadata?["page"] == "https://example.org/a?b=c#d")
    #expect(try record.decoded() == event)
    var stored = record
    stored.metadata = try Metadata(json: #require(record.metadata).description)
    #expect(try stored.decoded() == event)
  }

  @Test("a filter compares with the value that is stored")
  func fields() throws {
    let date = Date(timeIntervalSinceReferenceDate: 1.5)
    let id = try #require(UUID(uuidString: "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
    let page = try #require(URL(string: "https://example.org"))
    #expect((Event.Fields.created > date) == .gt("created", 1.5))
    #expect((Event.Fields.id == id) == .eq("id", "E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
    #expect((Event.Fields.page != page) == .ne("page", "https://example.org"))
    #expect(
      Event.Fields.price.isIn([1, Decimal(string: "0.1") ?? 0]) == .in("price", [1, 0.1]))
  }

  @Test("a date keeps every bit, and has the number that its own Codable writes")
  func dates() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<5_000 {
      let seconds = Double(bitPattern: generator.next())
      guard seconds.isFinite else { continue }
      let date = Date(timeIntervalSinceReferenceDate: seconds)
      let read: Date = try Value(json: Value(encoding: date).json).decoded()
      #expect(read.timeIntervalSinceReferenceDate.bitPattern == seconds.bitPattern)
    }
    let date = Date(timeIntervalSinceReferenceDate: 123.25)
    #expect(try JSONEncoder().encode([date]) == Data("[123.25]".utf8))
    #expect(date.value == 123.25)
    #expect(try Value.int(-5).decoded(as: Date.self).timeIntervalSinceReferenceDate == -5)
    #expect(throws: StoreError.self) { _ = try Value.string("2001").decoded(as: Date.self) }
  }

  @Test("a UUID is upper case text; text of any case is read, but not as an id")
  func uuids() throws {
    let text = "e621e1f8-c36c-495a-93fc-0c247a3e6e5f"
    let id = try Value.string(text).decoded(as: UUID.self)
    #expect(id.value == .string("E621E1F8-C36C-495A-93FC-0C247A3E6E5F"))
    #expect(throws: StoreError.self) { _ = try Value.string("e621").decoded(as: UUID.self) }
    struct Item: VectorRecord {
      var id: UUID
      var vector: [Float]
    }
    // It would be written under another id than it was read under.
    #expect(throws: StoreError.self) { _ = try Record(id: text).decoded(as: Item.self) }
    #expect(try Record(id: id.uuidString).decoded(as: Item.self).id == id)
  }

  @Test("data is base64 text")
  func data() throws {
    for count in 0..<10 {
      let data = Data((0..<count).map { UInt8($0 * 25) })
      #expect(try Value(encoding: data).decoded() == data)
    }
    #expect(throws: StoreError.self) { _ = try Value.string("?").decoded(as: Data.self) }
    #expect(throws: StoreError.self) { _ = try ([1] as Value).decoded(as: Data.self) }
  }

  @Test("a URL is its absolute text")
  func urls() throws {
    let url = try #require(URL(string: "b", relativeTo: URL(string: "https://example.org/a/")))
    #expect(url.value == "https://example.org/a/b")
    #expect(throws: StoreError.self) { _ = try Value.string("").decoded(as: URL.self) }
  }

  @Test(
    "a decimal keeps every digit",
    arguments: [
      "0", "1", "-1", "0.1", "12.34", "99999999999999999999999999999999999999",
      "-12345678901234567890.123456789012345678", "0.00000000000000000000000000000000000001",
      "9223372036854775808", "1e127", "1e-127", "3.14159265358979323846264338327950288",
      "9007199254740993.5", "340282366920938463463374607431768211455",
    ])
  func decimals(_ text: String) throws {
    let decimal = try #require(Decimal(string: text))
    let value = try Value(encoding: decimal)
    #expect(try value == Value(json: decimal.description))
    #expect(try value.decoded() == decimal)
    #expect(try Value(json: value.json).decoded() == decimal)
  }

  @Test("random decimals keep every digit")
  func randomDecimals() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<2_000 {
      let high = Decimal(UInt64.random(in: 0...(.max), using: &generator))
      let low = Decimal(UInt64.random(in: 0...(.max), using: &generator))
      let shift = Decimal(
        sign: Bool.random(using: &generator) ? .plus : .minus,
        exponent: Int.random(in: -100...80, using: &generator), significand: 1)
      let decimal = (high * 1_000_000_000_000_000_000 + low) * shift
      guard !decimal.isNaN else { continue }
      #expect(try Value(json: Value(encoding: decimal).json).decoded() == decimal, "\(decimal)")
    }
  }

  @Test("a number that a decimal cannot hold digit for digit is refused")
  func decimalLimits() throws {
    for text in [
      "1234567890123456789012345678901234567890.5", "1e200", "1e-300", "1e300",
      "0.1234567890123456789012345678901234567890123",
    ] {
      let error = #expect(throws: StoreError.self, "\(text)") {
        _ = try Value(json: text).decoded(as: Decimal.self)
      }
      #expect(error?.code == .schemaMismatch)
    }
    #expect(throws: StoreError.self) { _ = try Value.string("1").decoded(as: Decimal.self) }
    #expect(throws: StoreError.self) { _ = try Value.double(.nan).decoded(as: Decimal.self) }
    #expect(try Value.double(0.1).decoded(as: Decimal.self) == Decimal(string: "0.1"))
  }

  @Test("a decimal that is no number becomes what every store refuses")
  func decimalNaN() throws {
    #expect(try Value(encoding: Decimal.nan) == .double(.nan))
  }
}
