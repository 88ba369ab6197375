OBJECTS = [{"number": number, "text": f"text {number}"} for number in range(64_000)]
