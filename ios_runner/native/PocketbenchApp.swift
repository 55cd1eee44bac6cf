// The app that measures on an iPhone: reads its job from the launch arguments, does
// it on a thread of the highest quality of service, and exits.
import UIKit

@main
final class PocketbenchApp: UIResponder, UIApplicationDelegate {
  var window: UIWindow?

  func application(
    _ application: UIApplication,
    didFinishLaunchingWithOptions options: [UIApplication.LaunchOptionsKey: Any]?
  ) -> Bool {
    // A screen that turns off suspends the app in the middle of a measurement.
    application.isIdleTimerDisabled = true
    UIDevice.current.isBatteryMonitoringEnabled = true
    let window = UIWindow(frame: UIScreen.main.bounds)
    window.rootViewController = UIViewController()
    window.makeKeyAndVisible()
    self.window = window

    let thread = Thread {
      let code = PocketbenchRun(CommandLine.arguments, NSHomeDirectory()) { when in
        Self.conditions(when: when)
      }
      // Not exit(): a runtime that crashes while it is taken apart must not undo a
      // measurement.
      _exit(code)
    }
    thread.qualityOfService = .userInteractive
    thread.stackSize = 8 << 20
    thread.start()
    return true
  }

  // One line of JSON; numbers are the raw values of Apple's enumerations.
  private static func conditions(when: String) -> String {
    var facts: [String: Any] = [
      "when": when,
      "thermal_state": ProcessInfo.processInfo.thermalState.rawValue,
      "low_power_mode": ProcessInfo.processInfo.isLowPowerModeEnabled,
      "device_model": deviceModel(),
      "os_version": ProcessInfo.processInfo.operatingSystemVersionString,
      "cores": ProcessInfo.processInfo.processorCount,
      "ram_bytes": ProcessInfo.processInfo.physicalMemory,
    ]
    DispatchQueue.main.sync {
      let device = UIDevice.current
      facts["battery_state"] = device.batteryState.rawValue
      if device.batteryLevel >= 0 {
        facts["battery_percent"] = Int((device.batteryLevel * 100).rounded())
      }
    }
    let json = try? JSONSerialization.data(withJSONObject: facts, options: .sortedKeys)
    return String(data: json ?? Data("{}".utf8), encoding: .utf8) ?? "{}"
  }

  // Apple's identifier, `iPhone17,2`.
  private static func deviceModel() -> String {
    var system = utsname()
    uname(&system)
    return withUnsafeBytes(of: &system.machine) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
