# frozen_string_literal: true

PAGE = "page: first\n"
