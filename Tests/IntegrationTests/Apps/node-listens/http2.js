require('http2').createServer({}, () => {}).listen(0, '127.0.0.1').unref();
