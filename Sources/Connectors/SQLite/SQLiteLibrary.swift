// This room is empty unless the trait `SQLite` is on: `import Roost` must not need sqlite3.
#if SQLite
  internal import CSQLite

  /// The library that this build opens SQLite files with.
  public enum SQLiteLibrary {
    /// The version of sqlite3, such as `3.40.1`.
    public static var version: String {
      let number = sqlite3_libversion_number()
      return "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
    }
  }
#endif
