import Foundation
import RoostContract
import Testing

@Suite("The page of written forms")
struct FormatPageTests {
  private static func page() throws -> [String] {
    let url = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../FORMAT.md")
    return try String(contentsOf: url.standardizedFileURL, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test(
    "a limit on the page is the limit in the code",
    arguments: [
      ("containers within containers, the outermost included", Value.depthMax),
      ("digits of a number in front of the point", ExactDecimal.integerDigitsMax),
      ("digits of a number behind the point", ExactDecimal.scaleMax),
      ("conditions inside each other", Limits.filterDepthMax),
      ("conditions in a filter", Limits.filterNodesMax),
      ("values in its `in` lists", Limits.filterValuesMax),
      ("segments of a path", Limits.pathSegmentsMax),
      ("bytes of its text", Limits.filterBytesMax),
    ])
  func limits(_ rule: String, _ limit: Int) throws {
    let rows = try Self.page().filter { $0.hasPrefix("| \(rule) |") }
    #expect(rows == ["| \(rule) | \(limit) |"])
  }

  @Test("the names on the page are the names in the code")
  func names() throws {
    let page = try Self.page().joined(separator: "\n")
    func list(_ names: [String]) -> String { names.map { "`\($0)`" }.joined(separator: " ") }
    #expect(page.contains("| `metric` | \(list(Metric.allCases.map(\.rawValue))) |"))
    #expect(page.contains("| `mode` | \(list(CollectionSpec.Mode.allCases.map(\.rawValue))) |"))
    #expect(page.contains("| `element` | \(list(ElementType.allCases.map(\.rawValue))) |"))
    #expect(page.contains("| `dimension` | 1…\(Limits.dimensionMax) |"))
    #expect(page.contains("\(Limits.nameBytesMax) bytes"))
    #expect(page.contains("at most \(Limits.idBytesMax) bytes"))
    #expect(page.contains("`quantization` is \(list(Quantization.allCases.map(\.rawValue)))"))
    let codes = page.replacing("\n", with: " ")
    #expect(codes.contains("from 1: \(list(StoreError.Code.all.map(\.rawValue)))."))
  }
}
