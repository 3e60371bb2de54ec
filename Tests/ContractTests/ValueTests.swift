import RoostContract
import Testing

@Suite("Values")
struct ValueTests {
  @Test(
    "a number keeps its digits through JSON",
    arguments: [
      "0", "-1", "10", "10.0", "1.50", "0.1", "9007199254740993", "9223372036854775807",
      "9223372036854775808", "-9223372036854775808", "18446744073709551615", "0.00", "3.14159",
      "1e300", "5e-324", "1e400", "0.1000000000000000055511151231257827",
    ])
  func numbers(_ text: String) throws {
    let value = try Value(json: text)
    #expect(try Value(json: value.json) == value)
    if !text.contains("e") { #expect(value.comparisonText == text) }
  }

  @Test("a negative zero equals zero, prints as Postgres prints it, and keeps its sign in JSON")
  func negativeZero() throws {
    for text in ["-0", "-0.0"] {
      let value = try Value(json: text)
      #expect(value == .int(0))
      #expect(value.hashValue == Value.int(0).hashValue)
      #expect(value.comparisonText == String(text.dropFirst()))
      #expect(value.json == text)
      #expect(value.doubleValue?.sign == .minus)
    }
  }

  @Test("numbers are equal when their decimal values are")
  func equality() throws {
    #expect(Value.int(10) == .double(10))
    #expect(try Value(json: "1.50") == .double(1.5))
    #expect(try Value(json: "9007199254740993") != Value(json: "9007199254740992"))
    #expect(try Value(json: "9007199254740993") != .double(9_007_199_254_740_992))
    #expect(Value.int(10).hashValue == Value.double(10).hashValue)
    #expect(Value.string("\u{E9}") != .string("e\u{301}"))
  }

  @Test("a name that is not there has no value, not even null")
  func missingMember() throws {
    var metadata: Metadata = ["null": .null]
    // Written out as an optional: a bare `nil` beside a `Value` is JSON null.
    #expect(metadata["ghost"] == Value?.none)
    #expect(metadata["null"] == Value?.some(.null))
    metadata["null"] = Value?.none
    #expect(metadata.isEmpty)
  }

  @Test(
    "an 8-bit integer is the nearest one in -128…127, ties to even, or none",
    arguments: [
      (127.49, 127), (127.5, .infinity), (128, .infinity), (-128, -128), (-128.5, -128),
      (-128.75, .infinity), (0.5, 0), (1.5, 2), (Float.infinity, .infinity),
    ])
  func eightBits(_ number: Float, _ kept: Float) {
    #expect(ElementType.i8.rounded(number) == kept)
  }
}
