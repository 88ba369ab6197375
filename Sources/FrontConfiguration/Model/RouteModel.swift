// SPDX-License-Identifier: MIT

/// How requests below one path of one server are handled; immutable, shared by all event loops.
package final class RouteModel: Sendable {
    /// Everything a route holds; a value, so that it can be built step by step.
    package struct Values: Sendable {
        /// Directory of static files; nil: there are none.
        package var documentRoot: String?
        /// What is taken off the front of the path before it is appended to the document root (`alias`, sub-URIs).
        package var stripPrefix = ""
        /// Becomes `SCRIPT_NAME`: empty, or a prefix without slash at the end.
        package var baseURI = ""
        package var app: FrontApp?
        /// Bytes; 0: no limit.
        package var clientMaxBodySize = 1 << 30
        package var requestBuffering = true
        package var readTimeout: Duration = .seconds(12_000)
        package var clientBodyTimeout: Duration = .seconds(60)
        package var sendTimeout: Duration = .seconds(60)
        /// Zero: connections are not kept.
        package var keepaliveTimeout: Duration = .seconds(75)
        /// Path of the page that answers when the app could not be started.
        package var customErrorPage: String?
        package var overflowStatus = 503
        package var spawnErrorStatus = 500
        package var ignoreClientAbort = false
        package var addHeaders: [AddedHeader] = []
        package var index = ["index.html"]
        package var returns: ReturnAction?
        /// Index into `FrontModel.accessLogs`; nil: not logged.
        package var accessLog: Int?
        /// Requests for which this is empty or `0` are not logged; nil: all are.
        package var accessLogCondition: VariableText?
        package var mimeTypes = MIMETypes.standard
        /// Peers and proxies whose word about a request's origin counts (`set_real_ip_from`, `passenger_trusted_proxies`).
        package var trustedNetworks: [IPNetwork] = []
        /// Lower case; nil: not said.
        package var realIPHeader: String?
        package var realIPRecursive = false
        /// Fields that the app gets instead of the client's of these names (`passenger_set_header`).
        package var setHeaders: [AddedHeader] = []

        package init() {}
    }

    package let documentRoot: String?
    package let stripPrefix: String
    package let baseURI: String
    package let app: FrontApp?
    package let clientMaxBodySize: Int
    package let requestBuffering: Bool
    package let readTimeout: Duration
    package let clientBodyTimeout: Duration
    package let sendTimeout: Duration
    package let keepaliveTimeout: Duration
    package let customErrorPage: String?
    package let overflowStatus: Int
    package let spawnErrorStatus: Int
    package let ignoreClientAbort: Bool
    package let addHeaders: [AddedHeader]
    package let index: [String]
    package let returns: ReturnAction?
    package let accessLog: Int?
    package let accessLogCondition: VariableText?
    package let mimeTypes: MIMETypes
    package let trustedNetworks: [IPNetwork]
    package let realIPHeader: String?
    package let realIPRecursive: Bool
    package let setHeaders: [AddedHeader]

    package init(_ values: Values) {
        documentRoot = values.documentRoot
        stripPrefix = values.stripPrefix
        baseURI = values.baseURI
        app = values.app
        clientMaxBodySize = values.clientMaxBodySize
        requestBuffering = values.requestBuffering
        readTimeout = values.readTimeout
        clientBodyTimeout = values.clientBodyTimeout
        sendTimeout = values.sendTimeout
        keepaliveTimeout = values.keepaliveTimeout
        customErrorPage = values.customErrorPage
        overflowStatus = values.overflowStatus
        spawnErrorStatus = values.spawnErrorStatus
        ignoreClientAbort = values.ignoreClientAbort
        addHeaders = values.addHeaders
        index = values.index
        returns = values.returns
        accessLog = values.accessLog
        accessLogCondition = values.accessLogCondition
        mimeTypes = values.mimeTypes
        trustedNetworks = values.trustedNetworks
        realIPHeader = values.realIPHeader
        realIPRecursive = values.realIPRecursive
        setHeaders = values.setHeaders
    }

    /// What a path that belongs to nothing gets: no files, no app.
    package static let nothing = RouteModel(Values())
}

/// A header of `add_header`.
package struct AddedHeader: Sendable, Hashable {
    package let name: String
    package let value: VariableText
    /// Also on answers that are errors.
    package let isAlways: Bool

    package init(name: String, value: VariableText, isAlways: Bool) {
        self.name = name
        self.value = value
        self.isAlways = isAlways
    }

    /// The statuses that get a header without `always`, as in nginx.
    package func applies(toStatus status: Int) -> Bool {
        if isAlways { return true }
        switch status {
        case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308: return true
        default: return false
        }
    }
}

/// A fixed answer of the directive `return`.
package struct ReturnAction: Sendable, Hashable {
    package let status: Int
    /// The body of the answer, or for a redirect the value of `Location`; nil: the standard page of the status.
    package let text: VariableText?
    package let isRedirect: Bool

    package init(status: Int, text: VariableText?, isRedirect: Bool) {
        self.status = status
        self.text = text
        self.isRedirect = isRedirect
    }
}
