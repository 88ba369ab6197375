# frozen_string_literal: true
# SPDX-License-Identifier: MIT

module FlyingPassenger
  # What keeps the processes that one preloader forks from using the same things: the state of random numbers, and connections
  # to databases, which would mix up the answers of all who share them.
  #
  # Libraries are looked for among what the application has loaded; nothing is loaded here, autoloads included. Those that
  # notice a fork by themselves are left alone.
  module AfterFork
    # In the preloader, before each fork: what is closed here is closed in order, and the database hears of it.
    def self.prepare
      disconnect_active_record
      disconnect_sequel
      disconnect_mongoid
    end

    # In a process that serves on after it has forked: what cannot be used once it was closed is opened again.
    def self.resume
      renew_mongoid
    end

    # In the worker, before `:starting_worker_process`.
    def self.run(title = nil)
      Boot.name_process(title) if title
      srand
      renew_active_record
      disconnect_sequel
      renew_mongoid
    end

    class << self
      private

      # The constant, unless it is there for autoload only.
      def loaded(*path)
        path.inject(Object) do |owner, name|
          return nil if !owner.const_defined?(name, false) || owner.autoload?(name)
          owner.const_get(name, false)
        end
      end

      def disconnect_active_record
        return unless loaded(:ActiveRecord, :Base)
        handler = ::ActiveRecord::Base.connection_handler
        # Since 7.1 without an argument only those of one role.
        handler.method(:clear_all_connections!).arity.zero? ? handler.clear_all_connections! : handler.clear_all_connections!(:all)
      end

      # Since 5.2 the pools of another process are given up without a word to the database, as the connections are still its own.
      def renew_active_record
        return unless loaded(:ActiveRecord, :Base)
        tracker = loaded(:ActiveSupport, :ForkTracker)
        return tracker.check! if tracker.respond_to?(:check!)
        pool = loaded(:ActiveRecord, :ConnectionAdapters, :ConnectionPool)
        disconnect_active_record unless pool && pool.method_defined?(:discard!)
      end

      # A database in memory would be lost with its connection, and is nobody else's.
      def disconnect_sequel
        return unless loaded(:Sequel)
        ::Sequel::DATABASES.each { |database| database.disconnect unless in_memory?(database) }
      end

      def in_memory?(database)
        database.database_type == :sqlite && [nil, '', ':memory:'].include?(database.opts[:database])
      end

      def disconnect_mongoid
        mongoid = loaded(:Mongoid)
        if mongoid.respond_to?(:disconnect_clients)
          mongoid.disconnect_clients
        elsif mongoid.respond_to?(:disconnect_sessions)
          mongoid.disconnect_sessions
        end
      end

      def renew_mongoid
        mongoid = loaded(:Mongoid)
        return mongoid.reconnect_clients if mongoid.respond_to?(:reconnect_clients)
        clients = loaded(:Mongoid, :Clients)
        return disconnect_mongoid unless clients
        clients.clients.each_value do |client|
          client.close
          client.reconnect
        end
      end
    end
  end
end
