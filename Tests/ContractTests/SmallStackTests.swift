import Foundation
import RoostContract
import Testing

// Threads of other people's programs can have little stack: 512 KiB on Apple's systems, 128 KiB
// with musl. What a stranger can make deep must not be walked by recursion, and these laws are
// tried on such a thread; an overflow ends the test process.

@Suite("On a thread with 128 KiB of stack")
struct SmallStackTests {
  /// Runs work on a small stack, and gives back what it threw.
  private static func onSmallStack(_ work: @escaping @Sendable () throws -> Void) async throws {
    try await withCheckedThrowingContinuation { continuation in
      let thread = Thread { continuation.resume(with: Result { try work() }) }
      thread.stackSize = 128 << 10
      thread.start()
    }
  }

  /// Uses about 256 bytes of stack a level, so that 1,000 levels are more than there is.
  @inline(never)
  private static func descend(_ levels: Int) -> Int {
    let ballast = InlineArray<32, Int>(repeating: levels)
    return levels == 0 ? 0 : descend(levels - 1) + ballast[levels % 32]
  }

  @Test("a recursion of 1,000 levels overflows, so these laws can fail")
  func stackIsSmall() async {
    await #expect(processExitsWith: .failure) {
      try await SmallStackTests.onSmallStack { #expect(SmallStackTests.descend(1_000) > 0) }
    }
  }

  @Test("a filter of the largest depth is read, printed, compared and answered")
  func deepFilter() async throws {
    try await Self.onSmallStack {
      let depth = Limits.filterDepthMax
      let text = String(repeating: "not ", count: depth - 1) + "a = 1"
      let filter = try Filter(parsing: text)
      #expect(filter.depth == depth)
      #expect(try Filter(parsing: filter.description) == filter)
      #expect(try Filter(json: filter.json) == filter)
      #expect(filter.hashValue == filter.hashValue)
      #expect(!filter.matches(Record(id: "x")))

      var nested = Filter.eq("a", 1)
      for _ in 1..<depth { nested = .and(nested, .exists("b")) }
      try nested.check()
      #expect(try Filter(parsing: nested.description) == nested)
      #expect(try Filter(json: nested.json) == nested)
    }
  }

  @Test("a filter that is too deep is refused however it is built")
  func tooDeep() async throws {
    try await Self.onSmallStack {
      var filter = Filter.exists("a")
      for _ in 0..<100_000 { filter = !filter }
      #expect(throws: StoreError.self) { try filter.check() }
      for text in [
        String(repeating: "(", count: 1_000_000),
        String(repeating: "not ", count: 250_000) + "a = 1",
        String(repeating: "and(", count: 250_000),
        "a = " + String(repeating: "[", count: 1_000_000),
      ] {
        #expect(throws: StoreError.self) { try Filter(parsing: text) }
      }
      for text in [
        String(repeating: "{\"not\":", count: 100_000), String(repeating: "[", count: 1_000_000),
        String(repeating: "{\"dialect\":\"lenient\",\"filter\":", count: 100_000),
      ] {
        #expect(throws: StoreError.self) { try Filter(json: text) }
        #expect(throws: StoreError.self) { try Value(json: text) }
      }
    }
  }

  @Test("a value of the largest depth is read, printed, compared and hashed")
  func deepValue() async throws {
    try await Self.onSmallStack {
      for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let depth = Value.depthMax
        let text =
          String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        let value = try Value(json: text)
        #expect(value.json == text)
        #expect(try Value(json: value.json) == value)
        #expect(value.hashValue == value.hashValue)
        #expect(value.storageProblem(depthMax: depth) == nil)
        #expect(value.storageProblem(depthMax: depth - 1) != nil)
        #expect(Filter.eq("m", value).matches(Record(id: "x", metadata: ["m": value])))
      }
    }
  }
}
