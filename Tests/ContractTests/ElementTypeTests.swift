import RoostContract
import Testing

@Suite("Numbers in the precision of a collection")
struct ElementTypeTests {
  #if !(os(macOS) && arch(x86_64))
    @Test("every 16-bit number, and what lies between two of them, rounds as Float16 does")
    func half() {
      for bits in UInt16.min...UInt16.max {
        let half = Float16(bitPattern: bits)
        guard half.isFinite else { continue }
        let next = half.nextUp
        let exact = Float(half)
        #expect(ElementType.f16.rounded(exact).bitPattern == exact.bitPattern)
        guard next.isFinite else { continue }
        let middle = (exact + Float(next)) / 2
        for number in [middle, middle.nextUp, middle.nextDown] {
          #expect(ElementType.f16.rounded(number).bitPattern == Float(Float16(number)).bitPattern)
        }
      }
      for number: Float in [65_519, 65_520, 65_521, -65_520, 1e30, 1e-30, .leastNonzeroMagnitude] {
        #expect(ElementType.f16.rounded(number).bitPattern == Float(Float16(number)).bitPattern)
      }
      #expect(ElementType.f16.rounded(.nan).isNaN)
    }
  #endif

  @Test("a bf16 number is the upper half of a Float, half to even")
  func upperHalf() {
    #expect(ElementType.bf16.rounded(1.003_906_25) == 1)
    #expect(ElementType.bf16.rounded(1.003_906_5) == 1.007_812_5)
    #expect(ElementType.bf16.rounded(1.011_718_75) == 1.015_625)
    #expect(ElementType.bf16.rounded(.greatestFiniteMagnitude).isInfinite)
    #expect(ElementType.bf16.rounded(-0.0).sign == .minus)
  }

  @Test("an 8-bit integer is the nearest, half to even, and has one zero")
  func integer() {
    for (number, rounded) in [(0.5, 0), (1.5, 2), (-1.5, -2), (127.4, 127), (-128.5, -128)] {
      #expect(ElementType.i8.rounded(Float(number)) == Float(rounded))
    }
    #expect(ElementType.i8.rounded(127.5).isInfinite)
    #expect(ElementType.i8.rounded(-0.0).sign == .plus)
    #expect(ElementType.i8.rounded(-0.25).sign == .plus)
  }
}
