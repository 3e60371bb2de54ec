import Dispatch
import Synchronization

// Tasks of one law should meet in the store. On the shared pool they seldom do: it has a thread for
// each core, and other laws keep those busy. So a law about concurrency brings threads of its own.

/// Runs tasks on threads that no other law uses.
package final class Lanes: TaskExecutor {
  private let lanes = (0..<8).map { DispatchQueue(label: "lane \($0)") }
  private let turn = Atomic(0)

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // Jobs of one task may change lanes; one that waits never holds up those of another lane.
    let turn = turn.wrappingAdd(1, ordering: .relaxed).oldValue
    lanes[turn % lanes.count].async {
      unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
    }
  }
}
