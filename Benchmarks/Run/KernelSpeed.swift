import Foundation
import RoostKernels

/// How fast rows are scored, by each kernel at each level of this CPU.
///
/// Rows at random places out of 64 MiB, which fit no cache, 32 a call; and rows in order out of
/// 256 MiB, beside a loop that reads the same bytes and does nothing else, in turns.
enum KernelSpeed {
  private static let dimension = 384
  private static let random = 64 << 20
  private static let ordered = 256 << 20
  private static let perCall = 32

  @safe private struct Kernel {
    let name: String
    /// How many bytes a row takes.
    let size: Int
    /// Scores rows of these numbers, or of this range when there are none.
    let score: (UnsafeRawPointer, UnsafeBufferPointer<UInt32>?, Range<Int>) -> Void
  }

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    let first = CPULevel.current
    defer { _ = CPULevel.use(first) }
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: ordered, alignment: 64)
    defer { unsafe bytes.deallocate() }
    // Small numbers whatever the rows are read as, and no page that is not there yet.
    unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0x11)
    let base = UnsafeRawPointer(bytes.baseAddress!)
    let scores = UnsafeMutableRawPointer.allocate(byteCount: 4 * 4096, alignment: 64)
    defer { unsafe scores.deallocate() }

    for kernel in unsafe kernels(into: scores) {
      var numbers = SeededStream(seed: 1)
      let rows = random / kernel.size
      for level in CPULevel.available {
        guard CPULevel.use(level) else { continue }
        let asked = level == .scalar ? 1 << 14 : 1 << 17
        let places = (0..<asked).map { _ in UInt32(numbers.below(rows)) }
        let total = ordered / kernel.size
        var (each, ratio, pace) = ([Double](), [Double](), [Double]())
        for _ in 0..<plan.rounds {
          let gathered = seconds {
            unsafe places.withUnsafeBufferPointer { places in
              for start in stride(from: 0, to: asked, by: perCall) {
                let part = unsafe UnsafeBufferPointer(rebasing: places[start..<start + perCall])
                unsafe kernel.score(base, part, 0..<0)
              }
            }
          }
          each.append(gathered / Double(asked) * 1e9)
          let scanned = seconds {
            for start in stride(from: 0, to: total, by: 4096) {
              unsafe kernel.score(base, nil, start..<min(start + 4096, total))
            }
          }
          let read = seconds { unsafe KernelSpeed.read(base, total * kernel.size) }
          pace.append(Double(total * kernel.size) / scanned / 1e9)
          ratio.append(read / scanned)
        }
        report.line(
          "\(kernel.name) \(level): \(each.shown) ns a row at random; in order \(pace.shown) GB/s,"
            + " \(ratio.shown) of reading")
        if kernel.name == "l2 f32", level == CPULevel.available.last {
          report.bar("f32 in order, share of reading", ratio.median, atLeast: 0.85)
        }
      }
    }
  }

  private static func kernels(into scores: UnsafeMutableRawPointer) -> [Kernel] {
    let query = UnsafeMutablePointer<Float>.allocate(capacity: dimension)
    unsafe query.initialize(repeating: 0.25, count: dimension)
    let codes = UnsafeMutablePointer<UInt8>.allocate(capacity: dimension)
    unsafe codes.initialize(repeating: 3, count: dimension)
    var all: [Kernel] = []
    for measure in Measure.allCases {
      for element in VectorMatrix.Element.allCases {
        let size = dimension * element.size
        all.append(
          unsafe Kernel(name: "\(measure) \(element)", size: size) { base, numbers, range in
            let matrix = unsafe VectorMatrix(
              base: base, count: ordered / size, dimension: dimension, element: element)
            let out = unsafe scores.assumingMemoryBound(to: Float.self)
            if let numbers = unsafe numbers {
              unsafe matrix.score(measure, query, rows: numbers, into: out)
            } else {
              unsafe matrix.score(measure, query, rows: range, into: out)
            }
          })
      }
      for form in CodeMatrix.Form.allCases {
        let size = form.size(dimension)
        all.append(
          unsafe Kernel(name: "\(measure) \(form)", size: size) { base, numbers, range in
            let matrix = unsafe CodeMatrix(
              base: base, count: ordered / size, dimension: dimension, form: form)
            let out = unsafe scores.assumingMemoryBound(to: Int32.self)
            if let numbers = unsafe numbers {
              unsafe matrix.score(measure, codes, rows: numbers, into: out)
            } else {
              unsafe matrix.score(measure, codes, rows: range, into: out)
            }
          })
      }
    }
    return all
  }

  /// Reads every byte, and does no more than the compiler needs to believe it.
  @inline(never)
  private static func read(_ base: UnsafeRawPointer, _ count: Int) {
    typealias Line = SIMD8<UInt64>
    var (a, b, c, d) = (Line(), Line(), Line(), Line())
    for at in stride(from: 0, to: count & ~255, by: 256) {
      unsafe a ^= base.load(fromByteOffset: at, as: Line.self)
      unsafe b ^= base.load(fromByteOffset: at + 64, as: Line.self)
      unsafe c ^= base.load(fromByteOffset: at + 128, as: Line.self)
      unsafe d ^= base.load(fromByteOffset: at + 192, as: Line.self)
    }
    unsafe sink = (a ^ b) ^ (c ^ d)
  }

  nonisolated(unsafe) private static var sink = SIMD8<UInt64>()
}
