"""An application of another language below a prefix of the same host."""


def application(environ, start_response):
    page = (
        f"app: notes\nscript name: {environ['SCRIPT_NAME']}\npath info: {environ['PATH_INFO']}\n"
        f"asset: {environ['SCRIPT_NAME']}/notes.txt\n"
    ).encode()
    start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(page)))])
    return [page]
