// SPDX-License-Identifier: MIT

/// How the pages of the front look: for wide and narrow windows, by day and by night, on paper.
enum PageStyle {
    /// Of every page.
    static let common: HTML = """
        :root{color-scheme:light dark;--page:#f6f6f4;--card:#fff;--text:#1d1f23;--soft:#5b616b;--line:#e3e3df;\
        --code:#f3f3f0;--bad:#b3261e;--good:#2b6b3c;--mark:#2b5fad}
        @media(prefers-color-scheme:dark){:root{--page:#15171a;--card:#1d2024;--text:#e4e6e9;--soft:#9fa6b1;\
        --line:#30343a;--code:#262a2f;--bad:#ff8a80;--good:#7fc894;--mark:#8ab4f8}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",\
        Roboto,"Helvetica Neue",Arial,sans-serif;-webkit-text-size-adjust:100%;overflow-wrap:anywhere}
        h1{margin:.4rem 0 .7rem;font-size:clamp(1.6rem,1.2rem + 1.8vw,2.3rem);line-height:1.2;\
        letter-spacing:-.015em;font-weight:650}
        p{margin:0 0 .8rem}
        code,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;\
        font-size:.86rem}
        .kind{margin:0;color:var(--bad);font-size:.9rem;font-weight:600}
        .soft{color:var(--soft)}
        footer{color:var(--soft);font-size:.85rem}

        """

    /// Of a page with a few sentences.
    static let short: HTML = """
        main,footer{max-width:42rem;margin:0 auto;padding:0 1.5rem}
        main{padding-top:14vh}
        .operator{margin-top:2.5rem;padding-top:1.2rem;border-top:1px solid var(--line);font-size:.92rem;\
        color:var(--soft)}
        footer{margin-top:2.5rem;padding-bottom:2rem}

        """

    /// Of the page about a failed start.
    static let failure: HTML = """
        header,main,footer{max-width:82rem;margin:0 auto;padding:0 1.5rem}
        header{padding-top:3rem}
        header p{max-width:54rem}
        .summary{font-size:1.15rem;white-space:pre-line}
        .explanation{color:var(--soft);white-space:pre-line}
        main{display:grid;gap:1.25rem;grid-template-columns:minmax(0,1fr);padding-top:1rem}
        .column{display:grid;gap:1.25rem;align-content:start;min-width:0}
        @media(min-width:60rem){main{grid-template-columns:minmax(0,1fr) minmax(0,22rem)}.wide{grid-column:1/-1}}
        section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:1.25rem 1.4rem;\
        min-width:0}
        h2{margin:0 0 .8rem;font-size:1.05rem;line-height:1.3;font-weight:650}
        ol{margin:0;padding-left:1.4rem}
        li{margin:0 0 1rem}
        li:last-child{margin-bottom:0}
        li::marker{color:var(--soft)}
        pre{margin:.5rem 0 0;padding:.7rem .9rem;background:var(--code);border-radius:7px;line-height:1.5}
        .command{overflow-x:auto;padding-left:2.1rem;text-indent:-1.2rem;white-space:pre-wrap;overflow-wrap:normal;\
        -webkit-user-select:all;user-select:all}
        .command span{white-space:pre}
        .command::before{content:"$ ";color:var(--soft);-webkit-user-select:none;user-select:none}
        .log{max-height:34rem;overflow:auto;white-space:pre-wrap;tab-size:2;font-size:.82rem}
        dl{margin:0}
        dt{margin-top:.75rem;color:var(--soft);font-size:.82rem}
        dt:first-child{margin-top:0}
        dd{margin:.05rem 0 0}
        table{width:100%;border-collapse:collapse;font-size:.9rem}
        th,td{padding:.38rem .6rem .38rem 0;border-top:1px solid var(--line);text-align:left;vertical-align:top;\
        font-weight:400}
        tr:first-child>*{border-top:0}
        td:last-child{padding-right:0}
        .steps td{white-space:nowrap}
        .steps td:last-child{text-align:right;font-variant-numeric:tabular-nums;color:var(--soft)}
        .done td:nth-child(2){color:var(--good)}
        .failed th,.failed td:nth-child(2){color:var(--bad);font-weight:650}
        .idle th,.idle td{color:var(--soft)}
        .entries th{width:28%;min-width:10rem}
        .entries th,.entries td{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;\
        font-size:.84rem}
        details+details{margin-top:1rem;padding-top:1rem;border-top:1px solid var(--line)}
        summary{cursor:pointer;font-weight:650}
        summary .soft{margin-left:.4rem;font-size:.9rem;font-weight:400}
        details[open] summary{margin-bottom:.6rem}
        summary:focus-visible,pre:focus-visible{outline:2px solid var(--mark);outline-offset:3px;border-radius:4px}
        footer{display:flex;flex-wrap:wrap;gap:.3rem 1.6rem;padding-top:1.5rem;padding-bottom:3rem}
        footer p{margin:0}
        @media(max-width:36rem){header,main,footer{padding-left:1rem;padding-right:1rem}header{padding-top:1.75rem}\
        section{padding:1rem}.entries th,.entries td{display:block;width:auto;padding-right:0}\
        .entries td{border-top:0;padding-top:0}}
        @media print{body{background:none}.log{max-height:none}section{break-inside:avoid}}

        """
}
