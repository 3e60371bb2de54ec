internal import CKernels

/// Which code scores vectors: the best of this CPU, or what the environment variable `ROOST_CPU`
/// caps it to.
package enum CPULevel: Int32, Sendable, CaseIterable, CustomStringConvertible {
  /// Plain code, for any CPU.
  case scalar = 0
  /// AVX2 with FMA and F16C.
  case avx2 = 1
  /// AVX-512 F, BW, DQ and VL.
  case avx512 = 2
  /// AVX-512 with VNNI for codes.
  case vnni = 3
  /// What every 64-bit ARM has.
  case neon = 4

  /// The level in use.
  package static var current: CPULevel { CPULevel(rawValue: roost_cpu_level()) ?? .scalar }

  /// What `ROOST_CPU` calls it: `avx512` is the one with VNNI, `avx512bw` the one without.
  package var description: String {
    unsafe roost_cpu_level_name(rawValue).map { unsafe String(cString: $0) } ?? "unknown"
  }

  /// The levels that this CPU has, the plain one first.
  package static var available: [CPULevel] {
    allCases.filter { roost_cpu_has_level($0.rawValue) == 1 }
  }

  /// Switches to a level, or returns false when this CPU has not got it.
  ///
  /// For tests and benchmarks that have the process to themselves: no other thread may score
  /// meanwhile.
  package static func use(_ level: CPULevel) -> Bool { roost_cpu_set_level(level.rawValue) == 1 }
}
