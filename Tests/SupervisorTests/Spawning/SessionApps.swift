// SPDX-License-Identifier: MIT

/// The same app for both loaders of the session transport.
enum SessionApps {
    static let rack = #"""
        at_exit { puts 'goodbye' }
        run lambda { |env|
          input = env['rack.input']
          case env['PATH_INFO']
          when '/hello' then [200, { 'Content-Type' => 'text/plain' }, ['hello ', env['QUERY_STRING']]]
          when '/nothing' then [204, {}, []]
          when '/echo'
            first = input.read
            input.rewind
            [200, {}, [first == input.read ? first : 'not rewindable']]
          when '/count'
            count = 0
            while (part = input.read(65_536)) do count += part.bytesize end
            [200, {}, [count.to_s]]
          when '/parts' then [200, {}, %w[one two].each]
          when '/twice' then [200, {}, [input.read, '.'].each]
          when '/short' then [200, { 'Content-Length' => '10' }, ['abc'].each]
          when '/raise' then raise 'boom'
          when '/reset' then raise Errno::ECONNRESET, 'boom'
          when '/bare' then raise Class.new(Exception), 'boom'
          when '/inject' then [200, { 'x-many' => ["a\r\nEvil: 1"] }, []]
          when '/long' then [200, { 'Content-Length' => '2' }, ['abc']]
          when '/raw' then [200, { 'Transfer-Encoding' => 'chunked' }, ["1\r\na\r\n0\r\n\r\n"]]
          when '/lines' then [200, {}, [input.each.map { |line| line.bytesize }.inspect]]
          when '/hijack_io'
            env['rack.hijack'].call
            io = env['rack.hijack_io']
            io.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfull")
            io.close
            [0, {}, []]
          when '/hijack'
            io = env['rack.hijack'].call
            io.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfull")
            io.close
            [0, {}, []]
          when '/partial' then [200, { 'rack.hijack' => lambda { |io| io.write('part'); io.close } }, []]
          when '/stream' then [200, { 'x-many' => %w[a b] }, proc { |io| io.write('stream'); io.close }]
          when '/descriptors' then [200, {}, [`ls /proc/self/fd`.split.reject { |fd| fd.to_i > 2 }.join(' ')]]
          when '/slow'
            puts 'slow'
            sleep 0.3
            [200, {}, ['late']]
          else [200, {}, [env['PATH_INFO']]]
          end
        }
        """#

    static let wsgi = #"""
        import atexit
        import gzip
        import subprocess
        import tempfile
        import time

        atexit.register(print, 'goodbye')


        def application(environ, start_response):
            path = environ['PATH_INFO']
            read = environ['wsgi.input'].read
            if path == '/raise':
                raise ValueError('boom')
            if path == '/reset':
                raise ConnectionResetError('boom')
            if path == '/bare':
                raise type('Bare', (BaseException,), {})('boom')
            if path == '/inject':
                start_response('200 OK\r\nEvil: 1', [])
                return []
            if path == '/twice':
                start_response('200 OK', [])
                return iter([read(), b'.'])
            if path == '/long':
                start_response('200 OK', [('Content-Length', '2')])
                return [b'abc']
            if path == '/gzip':
                start_response('200 OK', [])
                with tempfile.NamedTemporaryFile() as zipped:
                    zipped.write(gzip.compress(b'unzipped'))
                    zipped.flush()
                    return environ['wsgi.file_wrapper'](gzip.open(zipped.name))
            if path == '/nothing':
                start_response('204 No Content', [])
                return []
            if path == '/short':
                start_response('200 OK', [('Content-Length', '10')])
                return [b'abc']
            if path == '/parts':
                write = start_response('200 OK', [])
                write(b'one')
                return iter([b'two'])
            body = path
            if path == '/hello':
                body = 'hello ' + environ['QUERY_STRING']
            elif path == '/echo':
                body = read().decode()
            elif path == '/count':
                count = 0
                while True:
                    part = read(65536)
                    if not part:
                        break
                    count += len(part)
                body = str(count)
            elif path == '/descriptors':
                names = subprocess.run(['ls', '/proc/self/fd'], stdout=subprocess.PIPE, close_fds=False).stdout.split()
                body = ' '.join(name.decode() for name in names if int(name) <= 2)
            elif path == '/slow':
                print('slow')
                time.sleep(0.3)
                body = 'late'
            start_response('200 OK', [('Content-Type', 'text/plain')])
            return [body.encode()]
        """#
}
