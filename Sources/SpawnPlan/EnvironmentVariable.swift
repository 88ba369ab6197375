// SPDX-License-Identifier: MIT

package import AppSettings

package typealias EnvironmentVariable = AppSettings.EnvironmentVariable
