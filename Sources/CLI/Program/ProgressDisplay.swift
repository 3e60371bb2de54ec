import Roost
import Synchronization

/// Tells on standard error how far long work has come, with its rate and the time left.
final class ProgressDisplay: Sendable {
  private enum Style { case bar, lines, none }

  private struct State {
    var phase = ""
    var start = ContinuousClock.now
    var last: ContinuousClock.Instant?
    var isShown = false
  }

  /// A bar moves often enough to be seen to move.
  private static let barPause = Duration.milliseconds(100)
  /// A line is read later, in a log; few are enough, and short work needs none.
  private static let linePause = Duration.seconds(5)

  private let style: Style
  private let title: String
  private let unit: String
  private let state = Mutex(State())

  init(_ title: String, unit: String, _ arguments: Arguments) {
    self.title = title
    self.unit = unit
    style =
      switch arguments["--progress"] ?? "auto" {
      case "bar": .bar
      case "lines": .lines
      case "none": .none
      default: Terminal.isError ? .bar : .lines
      }
  }

  /// What the engine calls.
  var report: @Sendable (Progress) -> Void {
    { [self] in
      // At its end the engine counts indexes, where rows were counted before.
      guard $0.phase != "indexes" else { return }
      show($0.completed, of: $0.total, phase: $0.phase, rate: $0.rate, left: $0.secondsLeft)
    }
  }

  /// Shows that so much is done of so much; a total that is not known is nil.
  func show(
    _ completed: Int, of total: Int?, phase: String = "", rate: Double? = nil, left: Double? = nil
  ) {
    guard style != .none else { return }
    let line: String? = state.withLock { state in
      let now = ContinuousClock.now
      if state.phase != phase || state.last == nil {
        // A line about work that has only begun says nothing.
        if style == .bar { state.last = nil } else { state.last = state.last ?? now }
        state.phase = phase
        state.start = now
      }
      let isDone = total.map { completed >= $0 } ?? false
      let pause = style == .bar ? Self.barPause : Self.linePause
      if let last = state.last, now - last < pause, !(isDone && style == .bar) { return nil }
      state.last = now
      state.isShown = true
      let seconds = (now - state.start) / .seconds(1)
      let rate = rate ?? (seconds > 0.2 ? Double(completed) / seconds : nil)
      let left =
        left
        ?? total.flatMap { total in
          rate.flatMap { $0 > 0 ? Double(max(0, total - completed)) / $0 : nil }
        }
      return text(completed, total, phase, rate, isDone ? nil : left)
    }
    guard let line else { return }
    if style == .bar {
      let columns = max(20, (Terminal.columns(of: 2) ?? 80) - 1)
      Terminal.tell("\r" + TableOutput.cut(line, to: columns).padding(to: columns))
    } else {
      Terminal.tell(line + "\n")
    }
  }

  private func text(
    _ completed: Int, _ total: Int?, _ phase: String, _ rate: Double?, _ left: Double?
  ) -> String {
    var parts = [phase.isEmpty || phase == title ? title : "\(title): \(phase)"]
    if let total {
      let share = total == 0 ? 1 : min(1, Double(completed) / Double(total))
      if style == .bar {
        let full = Int(share * 20)
        parts.append(
          String(repeating: "█", count: full) + String(repeating: "░", count: 20 - full))
      }
      parts.append("\(Int(share * 100))%")
    }
    parts.append(
      unit == "bytes" ? Figures.bytes(completed) : "\(Figures.whole(completed)) \(unit)")
    if let rate {
      parts.append(
        unit == "bytes"
          ? "\(Figures.bytes(Int(rate)))/s" : "\(Figures.whole(Int(min(rate, 1e12))))/s")
    }
    if let left { parts.append("\(Figures.seconds(left)) left") }
    return parts.joined(separator: "  ")
  }

  /// Takes the bar away, so that what is printed next begins a line.
  func end() {
    let isShown = state.withLock { $0.isShown }
    guard style == .bar, isShown else { return }
    let columns = max(20, (Terminal.columns(of: 2) ?? 80) - 1)
    Terminal.tell("\r" + String(repeating: " ", count: columns) + "\r")
  }
}
