// SPDX-License-Identifier: MIT

import AppSettings

extension FailureDiagnosis {
    static func title(of kind: SpawnFailure.Kind, _ scene: DiagnosisScene) -> String {
        switch kind {
        case .appRootMissing: "The application's directory is not there"
        case .startupFileMissing: "No application was found"
        case .ownership: "Others could decide what runs as the application's user"
        case .noUser: "There is no user for the application to run as"
        case .configuration where scene.isInApp: "The application cannot be run as it is"
        case .configuration: "The settings do not go together"
        case .access: "The application's user may not enter or read its files"
        case .interpreterMissing: "The interpreter cannot be executed"
        case .loginShell: "The login shell of the application's user failed"
        case .environmentFile: "The environment file cannot be used"
        case .resources: "The system lacks what a new process needs"
        case .limit: "The application reached a limit that is set for it"
        case .interpreterUnsupported: "The interpreter has the wrong version"
        case .frameworkUnsupported: "The framework is not supported"
        case .missingGem: "A gem is missing"
        case .missingModule: "A module is missing"
        case .syntaxError: "A source file has a syntax error"
        case .exception: "The application raised an exception"
        case .outOfMemory: "The application ran out of memory"
        case .permissionDenied: "The application may not use a file or directory"
        case .earlyExit:
            "The application ended before it was ready"
        case .killed: "The application was killed before it was ready"
        case .timeout: "The application did not start in time"
        case .protocolViolation: "The application disturbed its own start"
        case .portTaken: "The address of the application is in use"
        case .cannotFork: "The interpreter cannot preload the application"
        case .preloaderFailed: "The preloader of the application failed"
        case .crash: "The application crashed"
        case .internalError: "Flying Passenger itself failed"
        case .quarantine: "The application is in quarantine"
        case .cancelled: "The start was given up"
        }
    }

    static func explanation(of kind: SpawnFailure.Kind, _ scene: DiagnosisScene) -> String {
        let user = scene.userName
        return switch kind {
        case .appRootMissing:
            "The directory that the front's configuration names as the application's root does not exist or is none."
        case .startupFileMissing:
            "An application is known by its startup file: config.ru for Ruby, passenger_wsgi.py or passenger_asgi.py for Python, app.js for Node. "
                + "Other programs need passenger_app_start_command."
        case .ownership:
            "An application runs as the owner of its startup file. That is safe only if nobody else can put a file of that "
                + "owner in its place, so the directories around it must belong to the same user or to root."
        case .noUser:
            "Applications never run as root, and as no user that the daemon's flags exclude; nobody was left."
        case .configuration where scene.isInApp:
            "Something that the application's own files say, or do not say, keeps it from being run."
        case .configuration: "Settings of the front's configuration or flags of the daemon do not allow this start."
        case .access:
            "The application runs as \(user), and every directory on the way to its files must let that user pass, "
                + "or files are \"not found\" though they exist. Permission trouble often means that it runs as the wrong user."
        case .interpreterMissing:
            "The program that runs the application was not found, or \(user) may not execute it. Interpreters below somebody's "
                + "home, such as those of rbenv, pyenv or nvm, are often closed to other users."
        case .loginShell:
            "Before an application starts, its user's login shell is run for the environment variables that its profiles set "
                + "(passenger_load_shell_envvars)."
        case .environmentFile:
            "The file that passenger_env_file names is read as \(user) before the application starts."
        case .resources: "The kernel refused a process, a descriptor or memory."
        case .limit:
            "All processes of an application together may use so much memory (passenger_memory_max), and be so many "
                + "(passenger_pids_max). Beyond that the kernel ends one of them, or refuses the next; other applications are not "
                + "affected."
        case .interpreterUnsupported:
            "The interpreter works, but it is older than what the application or Flying Passenger needs, or another one."
        case .frameworkUnsupported: "The application is written for a version of its framework that cannot be run here."
        case .missingGem:
            "Ruby did not find a gem. Either it is not installed for the Ruby that runs the application, or \(user) may not read "
                + "the directory that holds it."
        case .missingModule:
            "The interpreter did not find a module. Either it is not installed for the interpreter that runs the application, "
                + "or \(user) may not read the directory that holds it."
        case .syntaxError:
            "The interpreter could not make sense of a source file, perhaps because it is written for another version."
        case .exception where scene.step == .afterFork:
            "The application was loaded, but its own code failed in a process that was forked from the preloader. The details tell "
                + "where."
        case .exception: "The application's own code failed while it was loaded. The details tell where."
        case .outOfMemory:
            "Memory was refused: by a limit of the process, by the interpreter's own, or because the machine has none."
        case .permissionDenied:
            "The application runs as \(user), who may not use something that it needs. This often means that it runs as the "
                + "wrong user, or that a directory for logs or uploads belongs to somebody else."
        case .earlyExit:
            "The process ended by itself before it could serve requests. What it printed last may tell why."
        case .killed:
            "A signal ended the process: from the kernel when memory is short, from a person, or from the program itself."
        case .timeout:
            "The application has \(scene.settings.startTimeout.seconds) seconds to start (passenger_start_timeout). "
                + (scene.isStarved
                    ? "It waited for a processor most of that time: the machine has more to do than it can."
                    : "It is probably waiting: for a database, a network service, a lock, or input.")
        case .protocolViolation:
            "Descriptors 3 and 4 belong to what starts the application. Something in it wrote to them or closed them."
        case .portTaken: "Another process listens where the application wants to."
        case .cannotFork:
            "Processes are forked from one that has loaded the application, and this interpreter cannot fork."
        case .preloaderFailed:
            "A preloader loads the application once, and its processes are forked from it (passenger_spawn_method smart). "
                + "The application was loaded, but forking it failed, with a second preloader as well."
        case .crash:
            "A process that had been serving requests ended without having been asked to. Requests that it was handling got an "
                + "error; while processes end soon after they start, new ones are started more and more rarely."
        case .internalError: "This is not the application's fault. The daemon's log may have more."
        case .quarantine:
            "Looking at this application or starting it has ended the daemon's core more than once, and with it the processes of "
                + "all applications. Until the quarantine is over nothing of it is looked at or started."
        case .cancelled: "Nobody waits for this process any more."
        }
    }
}
