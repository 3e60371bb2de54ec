/// Decides which of the threads of a store runs next, while interleavings are explored.
package final class Scheduler: Sendable {
}
